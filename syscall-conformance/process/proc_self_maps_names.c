/* proc(5): in maps, file mappings carry offset and path; the heap and the stack have names. */
#include "child.h"
#include <inttypes.h>

static char name[4352];
static uint64_t offset;

static bool find(uint64_t addr)
{
    FILE *f = fopen("/proc/self/maps", "re");
    uint64_t lo, hi;
    char line[4352];
    int at;

    name[0] = 0;
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &lo, &hi, &offset,
                   &at) < 3)
            continue;
        if (addr >= lo && addr < hi) {
            strcpy(name, line + at);
            fclose(f);
            return true;
        }
    }
    return false;
}

int main(void)
{
    char cwd[2048] = "", want[2100];

    enter_scratch();
    put_file("file", "abc", 3, 0600);
    ok(truncate("file", 8192) == 0 && getcwd(cwd, sizeof(cwd)), "file made");
    int fd = open("file", O_RDONLY);
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
    snprintf(want, sizeof(want), "%s/file", cwd);
    ok(find((uintptr_t)p) && !strcmp(name, want), "path of the file");
    is_eq(offset, 4096);
    char *brk = sbrk(4096);
    ok(find((uintptr_t)brk) && !strcmp(name, "[heap]"), "heap");
    ok(find((uintptr_t)&fd) && !strcmp(name, "[stack]"), "stack");
    void *anon = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok(find((uintptr_t)anon) && !strcmp(name, ""), "anonymous memory has no name");
    done();
}
