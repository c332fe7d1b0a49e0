/* signalfd(2): reads blocked pending signals as records; EAGAIN when none; poll tells. */
#include "sig.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void)
{
    struct signalfd_siginfo rec[3];
    sigset_t set = set_of(SIGUSR1);

    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    ok(fd >= 0, "created");
    is_errno(read(fd, rec, sizeof(rec)), EAGAIN);
    is_errno(read(fd, rec, 10), EINVAL);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
    kill(getpid(), SIGUSR1);
    struct pollfd pfd = {fd, POLLIN, 0};
    is_eq(poll(&pfd, 1, 0), 1);
    is_eq(read(fd, rec, sizeof(rec)), 2 * sizeof(rec[0]));
    is_eq(rec[0].ssi_signo, SIGUSR1);
    is_eq(rec[0].ssi_code, SI_USER);
    ok((pid_t)rec[0].ssi_pid == getpid(), "ssi_pid");
    is_eq(rec[1].ssi_signo, SIGRTMIN);
    is_eq(rec[1].ssi_int, 5);
    is_eq(poll(&pfd, 1, 0), 0);
    is_errno(signalfd(1, &set, 0), EINVAL);
    is_errno(signalfd(-1, &set, 0x1234), EINVAL);
    done();
}
