/*
 * PR_SET_SYSCALL_USER_DISPATCH: calls from outside a range are SIGSYS while a byte of the program
 * says so, with their number in rax; the kernel ends a program whose byte is neither. Children do
 * without.
 */
#include "child.h"
#include <sys/prctl.h>
#include <ucontext.h>

#define ON 1
#define OFF 0

static volatile char selector;
static volatile int nr, code, answer;

static void on_sigsys(int sig, siginfo_t *info, void *ctx)
{
    ucontext_t *u = ctx;

    selector = 0; /* or the way back would be SIGSYS, too */
    nr = info->si_syscall;
    code = info->si_code;
    answer = (int)u->uc_mcontext.gregs[REG_RAX];
    u->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void bad_byte(void)
{
    selector = 7;
    getppid();
}

static void no_byte(void)
{
    prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, 1);
    getppid();
}

static void dispatch_bad_byte(void)
{
    prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, &selector);
    bad_byte();
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};

    sigaction(SIGSYS, &sa, NULL);
    is_errno(prctl(PR_SET_SYSCALL_USER_DISPATCH, 3, 0, 0, 0), EINVAL);
    is_errno(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 1, 0, 0), EINVAL);
    is_errno(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, &selector), EINVAL);
    is_errno(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 4096, -4096L, 0), EINVAL);
    is_errno(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 4096, 0, 0), EINVAL);
    is_errno(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, 1UL << 63), EFAULT);
    is_eq(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, &selector), 0);
    ok(syscall(SYS_gettid) > 0, "a byte of zero lets calls pass");
    selector = 1;
    long r = syscall(SYS_getpid);
    is_eq(r, 4242);
    is_eq(nr, SYS_getpid);
    is_eq(answer, SYS_getpid);
    is_eq(code, 2);
    selector = 1;
    r = syscall(12345, 1, 2);
    is_eq(r, 4242);
    is_eq(nr, 12345);
    pid_t pid = fork();
    if (!pid) {
        selector = 1;
        _exit(getppid() == 4242 ? 1 : 0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, 0), 0);
    selector = 1;
    ok(syscall(SYS_getppid) != 4242, "off");
    selector = 0;
    signal(SIGSYS, SIG_DFL);
    status = in_child(dispatch_bad_byte);
    is_eq(WTERMSIG(status), SIGSYS);
    status = in_child(no_byte);
    is_eq(WTERMSIG(status), SIGSEGV);
    done();
}
