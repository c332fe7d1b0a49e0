/* pid_namespaces(7): numbers inside and outside, init's duties and its end. */
#include "ns.h"
#include <sys/mount.h>

static int inside(void)
{
    int status;

    CHECK(getpid() == 1 && getppid() == 0 && syscall(SYS_gettid) == 1);
    pid_t pid = fork();
    if (!pid)
        _exit(getpid() == 2 && getppid() == 1 ? 0 : 1);
    CHECK(pid == 2);
    CHECK(waitpid(2, &status, 0) == 2 && status == 0);
    CHECK_ERR(kill(3, 0), ESRCH);
    CHECK(!kill(1, SIGKILL)); /* nothing happens */
    CHECK(!kill(1, SIGTERM));
    CHECK(getpgrp() == 0 && getsid(0) == 0);
    CHECK(setsid() == 1 && getpgrp() == 1 && getsid(0) == 1);
    CHECK_ERR(kill(-1, SIGTERM), ESRCH);
    /* An orphan is init's. */
    int p[2];
    char c;
    CHECK(!pipe(p));
    if (!(pid = fork())) {
        if (!fork()) {
            close(p[1]);
            while (getppid() != 1)
                usleep(1000);
            _exit(7);
        }
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    close(p[1]);
    CHECK(read(p[0], &c, 1) == 0);
    CHECK(waitpid(-1, &status, 0) > 0 && WEXITSTATUS(status) == 7);
    return 0;
}

static int fresh(void)
{
    int status;

    CHECK(!unshare(CLONE_NEWPID));
    CHECK(getpid() > 1 || 1);
    pid_t pid = fork();
    if (!pid)
        _exit(inside());
    CHECK(pid > 1);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_ERR(fork(), ENOMEM); /* its init has ended */
    return 0;
}

static int init_dies(void)
{
    int status, p[2];
    char c;

    CHECK(!pipe(p));
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (!pid) {
        for (int i = 0; i < 3; i++)
            if (!fork()) {
                signal(SIGTERM, SIG_IGN);
                for (;;)
                    pause();
            }
        _exit(5);
    }
    close(p[1]);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
    CHECK(read(p[0], &c, 1) == 0); /* nobody holds the other end */
    return 0;
}

static int killed_from_outside(void)
{
    int status;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

    if (!pid)
        for (;;)
            pause();
    CHECK(!kill(pid, SIGTERM)); /* no handler: as from inside */
    CHECK(!kill(pid, SIGKILL));
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return 0;
}

static int got_pid = -1;

static void on_usr1(int sig, siginfo_t *info, void *ctx)
{
    (void)sig, (void)ctx;
    got_pid = info->si_pid;
}

static int signals(void)
{
    int status, p[2];
    char c;
    struct sigaction sa = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};

    CHECK(!pipe(p));
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (!pid) {
        sigset_t set, old;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, &old);
        sigaction(SIGUSR1, &sa, NULL);
        if (write(p[1], "x", 1) != 1)
            _exit(1);
        while (got_pid == -1)
            sigsuspend(&old);
        _exit(got_pid == 0 ? 0 : 2); /* the sender has no number here */
    }
    CHECK(read(p[0], &c, 1) == 1);
    CHECK(!kill(pid, SIGUSR1));
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int nested(void)
{
    int status;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

    if (!pid) {
        pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
        if (!pid)
            _exit(getpid() == 1 ? 3 : 4);
        _exit(pid == 2 && waitpid(pid, &status, 0) == 2 ? WEXITSTATUS(status) : 5);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    return 0;
}

static int own_proc(void)
{
    int status;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);

    if (!pid) {
        char buf[32];
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mount("p", "/proc", "proc", 0, NULL))
            _exit(1);
        if (readlink("/proc/self", buf, sizeof(buf)) != 1 || buf[0] != '1')
            _exit(2);
        if (!access("/proc/2", F_OK) || access("/proc/1", F_OK))
            _exit(3);
        if (!fork())
            for (;;)
                pause();
        if (access("/proc/2/status", F_OK))
            _exit(4);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

int main(void)
{
    need_root();
    is_eq(run(fresh), 0);
    is_eq(run(init_dies), 0);
    is_eq(run(killed_from_outside), 0);
    is_eq(run(signals), 0);
    is_eq(run(nested), 0);
    is_eq(run(own_proc), 0);
    is_errno(syscall(SYS_clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0),
             EINVAL);
    is_errno(syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0), EINVAL);
    done();
}
