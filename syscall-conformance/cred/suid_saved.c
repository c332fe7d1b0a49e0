/* execve(2): the saved ids become the effective ones, so a set-user-id program can go back and
 * forth; AT_SECURE tells it; a nosuid change of owner needs privilege. */
#include "cred.h"
#include <sys/auxv.h>

static void run(void)
{
    become_nobody();
    execl("./suid", "suid", "again", (char *)NULL);
    _exit(100);
}

static void plain(void)
{
    execl("./plain", "plain", "plain", (char *)NULL);
    _exit(100);
}

static int copy_to(const char *name, uid_t uid, mode_t mode)
{
    static char buf[1 << 16];
    int in = open("/proc/self/exe", O_RDONLY), out = open(name, O_CREAT | O_WRONLY, 0700);
    ssize_t n;

    while ((n = read(in, buf, sizeof(buf))) > 0)
        if (write(out, buf, (size_t)n) != n)
            return -1;
    if (fchown(out, uid, 0) || fchmod(out, mode))
        return -1;
    close(in);
    return close(out);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "plain"))
        _exit(getauxval(AT_SECURE) ? 1 : 0);
    if (argc > 1) {
        check(getauxval(AT_SECURE) == 1, 1);
        check(uids_are(NOBODY, 4711, 4711), 2);
        check(seteuid(NOBODY) == 0 && seteuid(4711) == 0, 3);
        check(setreuid(4711, NOBODY) == 0, 4);
        check(uids_are(4711, NOBODY, NOBODY), 5);
        check(setuid(0) == -1 && errno == EPERM, 6);
        check(getauxval(AT_UID) == NOBODY && getauxval(AT_EUID) == 4711, 7);
        _exit(0);
    }
    enter_scratch();
    if (geteuid() == 0) {
        is_eq(copy_to("suid", 4711, 04755), 0);
        is_eq(copy_to("plain", 0, 0755), 0);
        is_eq(in_child(run), 0);
        is_eq(in_child(plain), 0);
    } else {
        for (int i = 0; i < 4; i++)
            skip("needs root");
    }
    done();
}
