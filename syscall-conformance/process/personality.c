/*
 * personality(2): every value is taken; PER_LINUX32 and UNAME26 are seen in uname(2),
 * READ_IMPLIES_EXEC in new maps, and exec(2) keeps all but the last.
 */
#include "child.h"
#include <sys/personality.h>
#include <sys/utsname.h>

static int is_executable(const void *p)
{
    char line[512], perms[8];
    unsigned long from, to;
    int found = 0;
    FILE *f = fopen("/proc/self/maps", "r");

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) == 3 && (unsigned long)p >= from &&
            (unsigned long)p < to)
            found = perms[2] == 'x';
    if (f)
        fclose(f);
    return found;
}

int main(int argc, char **argv)
{
    struct utsname u;

    if (argc > 1)
        return personality(0xffffffff) == (ADDR_NO_RANDOMIZE | 8) ? 0 : 1;
    for (int bit = 0; bit < 32; bit++) {
        personality(1U << bit);
        is_eq((unsigned int)personality(0xffffffff), 1U << bit);
    }
    personality(PER_LINUX32);
    uname(&u);
    ok(!strcmp(u.machine, "i686"), "i686");
    personality(UNAME26);
    uname(&u);
    ok(!strncmp(u.release, "2.6.", 4), "2.6");
    personality(READ_IMPLIES_EXEC);
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok(is_executable(p), "what is readable is executable");
    mprotect(p, 4096, PROT_NONE);
    ok(!is_executable(p), "and what is not is not");
    mprotect(p, 4096, PROT_READ);
    ok(is_executable(p), "mprotect(2), too");
    personality(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | 8);
    pid_t pid = fork();
    if (!pid) {
        execl("/proc/self/exe", "x", "again", NULL);
        _exit(9);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    personality(0);
    done();
}
