/* Strict mode allows read, write, exit and rt_sigreturn, and kills at any other call. */
#include "filter.h"

static void allowed(void)
{
    char c;
    int p[2];

    check(pipe(p) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0, 1);
    check(write(p[1], "x", 1) == 1 && read(p[0], &c, 1) == 1, 2);
    syscall(SYS_exit, 7);
}

static void other(void)
{
    syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
    syscall(SYS_getpid);
}

static void exits_as_a_group(void)
{
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    syscall(SYS_exit_group, 0);
}

int main(void)
{
    is_eq(prctl(PR_GET_SECCOMP), 0);
    exits_with(allowed, 7);
    dies_of(other, SIGKILL);
    dies_of(exits_as_a_group, SIGKILL);
    is_errno(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
    is_errno(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, "x"), EINVAL);
    is_errno(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
    is_errno(prctl(PR_SET_SECCOMP, 7, 0), EINVAL);
    done();
}
