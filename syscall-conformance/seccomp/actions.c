/* What a filter answers: errno, a signal, death, allow; the strictest of several counts. */
#include "filter.h"
#include <pthread.h>

static volatile int got_code, got_errno, got_call;
static volatile unsigned int got_arch;
static void *volatile got_addr;

static void sigsys(int sig, siginfo_t *info, void *context)
{
    got_code = info->si_code;
    got_errno = info->si_errno;
    got_call = info->si_syscall;
    got_arch = info->si_arch;
    got_addr = info->si_call_addr;
}

static void answers_errno(void)
{
    check(on_call(SYS_getuid, SECCOMP_RET_ERRNO | ENOTTY, 0) == 0, 1);
    check(syscall(SYS_getuid) == -1 && errno == ENOTTY, 2);
    check(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER, 3);
    check(on_call(SYS_getgid, SECCOMP_RET_ERRNO | 0, 0) == 0, 4);
    check(syscall(SYS_getgid) == 0, 5);
    check(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 0xffff, 0) == 0, 6);
    check(syscall(SYS_getppid) == -1 && errno == 4095, 7);
}

static void traps(void)
{
    struct sigaction sa = {.sa_sigaction = sigsys, .sa_flags = SA_SIGINFO};

    sigaction(SIGSYS, &sa, NULL);
    check(on_call(SYS_getuid, SECCOMP_RET_TRAP | 0x123, 0) == 0, 1);
    long r = syscall(SYS_getuid);
    check(r == SYS_getuid, 2);
    check(got_code == 1 && got_errno == 0x123 && got_call == SYS_getuid, 3);
    check(got_arch == AUDIT_ARCH_X86_64 && got_addr, 4);
}

static void traps_without_handler(void)
{
    on_call(SYS_getuid, SECCOMP_RET_TRAP, 0);
    syscall(SYS_getuid);
}

static void killed(void)
{
    on_call(SYS_getuid, SECCOMP_RET_KILL_PROCESS, 0);
    signal(SIGSYS, SIG_IGN);
    syscall(SYS_getuid);
}

static void unknown_action(void)
{
    on_call(SYS_getuid, 0x12340000, 0);
    syscall(SYS_getuid);
}

static void *victim(void *arg)
{
    on_call(SYS_getuid, SECCOMP_RET_KILL_THREAD, 0);
    syscall(SYS_getuid);
    _exit(9);
}

static void one_thread_killed(void)
{
    pthread_t t;

    pthread_create(&t, NULL, victim, NULL);
    pthread_join(t, NULL);
    _exit(5);
}

static void strictest(void)
{
    on_call(SYS_getuid, SECCOMP_RET_ERRNO | 1, 0);
    on_call(SYS_getuid, SECCOMP_RET_ERRNO | 2, 0);
    on_call(SYS_getuid, SECCOMP_RET_LOG, 0);
    on_call(SYS_getuid, SECCOMP_RET_TRACE, 0);
    check(syscall(SYS_getuid) == -1 && errno == 2, 1);
    on_call(SYS_getuid, SECCOMP_RET_TRACE, 0);
    on_call(SYS_getgid, SECCOMP_RET_LOG, 0);
    check(syscall(SYS_getgid) == getegid(), 2);
    on_call(SYS_getppid, SECCOMP_RET_TRACE, 0);
    check(syscall(SYS_getppid) == -1 && errno == ENOSYS, 3);
    on_call(SYS_getpgrp, SECCOMP_RET_USER_NOTIF, 0);
    check(syscall(SYS_getpgrp) == -1 && errno == ENOSYS, 4);
}

static void inherited(void)
{
    int status;

    on_call(SYS_getuid, SECCOMP_RET_ERRNO | EBADF, 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(syscall(SYS_getuid) == -1 && errno == EBADF ? 3 : 4);
    waitpid(pid, &status, 0);
    check(WEXITSTATUS(status) == 3, 1);
    on_call(SYS_uname, SECCOMP_RET_ERRNO | EBADF, 0);
    execl("/bin/uname", "uname", (char *)NULL);
    _exit(2);
}

int main(void)
{
    exits_with(answers_errno, 0);
    exits_with(traps, 0);
    dies_of(traps_without_handler, SIGSYS);
    dies_of(killed, SIGSYS);
    dies_of(unknown_action, SIGSYS);
    exits_with(one_thread_killed, 5);
    exits_with(strictest, 0);
    exits_with(inherited, 1);
    done();
}
