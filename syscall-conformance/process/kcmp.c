/* kcmp(2): which resources two processes share, and who may ask. */
#include "child.h"
#include <linux/kcmp.h>
#include <sched.h>

static long kcmp(pid_t a, pid_t b, int type, unsigned long x, unsigned long y)
{
    return syscall(SYS_kcmp, a, b, type, x, y);
}

static void as_nobody(void)
{
    if (!getuid())
        check(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0, 1);
    check(getuid() != NOBODY || (kcmp(getpid(), getppid(), KCMP_VM, 0, 0) == -1 && errno == EPERM),
          2);
}

int main(void)
{
    int p[2], status;
    char c;

    if (pipe(p))
        return 1;
    int copy = dup(p[0]), other = open("/dev/null", O_RDONLY);
    pid_t me = getpid(), pid = fork();
    if (pid == 0) {
        close(p[1]);
        _exit(read(p[0], &c, 1) == 0 ? 0 : 1);
    }
    is_eq(kcmp(me, me, KCMP_VM, 0, 0), 0);
    ok(kcmp(me, pid, KCMP_VM, 0, 0) > 0, "a child's memory is its own");
    long r = kcmp(me, pid, KCMP_VM, 0, 0), s = kcmp(pid, me, KCMP_VM, 0, 0);
    ok(r + s == 3, "there is an order");
    ok(kcmp(me, pid, KCMP_FILES, 0, 0) > 0, "so are its descriptors");
    ok(kcmp(me, pid, KCMP_FS, 0, 0) > 0, "and directories");
    ok(kcmp(me, pid, KCMP_SIGHAND, 0, 0) > 0, "and handlers");
    is_eq(kcmp(me, me, KCMP_SYSVSEM, 0, 0), 0);
    is_eq(kcmp(me, pid, KCMP_FILE, (unsigned long)p[0], (unsigned long)p[0]), 0);
    is_eq(kcmp(me, me, KCMP_FILE, (unsigned long)p[0], (unsigned long)copy), 0);
    ok(kcmp(me, me, KCMP_FILE, (unsigned long)p[0], (unsigned long)other) > 0, "another file");
    is_errno(kcmp(me, me, KCMP_FILE, 999, 0), EBADF);
    is_errno(kcmp(me, me, 77, 0, 0), EINVAL);
    is_errno(kcmp(me, 0x3fffff, KCMP_VM, 0, 0), ESRCH);
    is_eq(in_child(as_nobody), 0);
    close(p[1]);
    waitpid(pid, &status, 0);
    done();
}
