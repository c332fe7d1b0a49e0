/* tcsetpgrp(3): only groups of the session, by a process of the session. */
#include "pty.h"

static void session(void)
{
    int id = -1, status;

    take_terminal();
    signal(SIGTTOU, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        for (;;)
            pause();
    }
    setpgid(pid, pid);
    check(ioctl(slave, TIOCSPGRP, &pid) == 0, 1);
    check(ioctl(slave, TIOCGPGRP, &id) == 0 && id == pid, 2);
    check(ioctl(slave, TIOCSPGRP, &(int){-1}) == -1 && errno == EINVAL, 3);
    check(ioctl(slave, TIOCSPGRP, &(int){1 << 21}) == -1 && errno == ESRCH, 4);
    check(ioctl(slave, TIOCSPGRP, BAD_PTR) == -1 && errno == EFAULT, 5);
    pid_t other = getppid();
    check(ioctl(slave, TIOCSPGRP, &(int){getpgid(other)}) == -1 && errno == EPERM, 6);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    check(ioctl(slave, TIOCSPGRP, &(int){getpid()}) == 0, 7);
}

int main(void)
{
    int id = -1;

    setpgid(0, 0);
    open_pty();
    ok(exited_with(in_child(session), 0), "in the session");
    is_errno(ioctl(slave, TIOCSPGRP, &(int){getpid()}), ENOTTY);
    is_errno(ioctl(slave, TIOCGPGRP, &id), ENOTTY);
    done();
}
