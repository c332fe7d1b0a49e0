/* signalfd(2): a read takes pending signals of the mask as 128-byte records; poll tells when there
 * are any; the mask may be changed. */
#include "../signal/sig.h"
#include <poll.h>
#include <sys/signalfd.h>

static short ready(int fd)
{
    struct pollfd pfd = {fd, POLLIN | POLLOUT, 0};

    poll(&pfd, 1, 0);
    return pfd.revents;
}

int main(void)
{
    sigset_t set = set_of(SIGUSR1);
    struct signalfd_siginfo si[3];

    is_errno(signalfd(-1, &set, 0x100), EINVAL);
    is_errno(signalfd(99, &set, 0), EBADF);
    is_errno(signalfd(0, &set, 0), EINVAL);
    is_errno(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
    is_errno(syscall(SYS_signalfd4, -1, BAD_PTR, 8, 0), EFAULT);
    block(SIGUSR1);
    block(SIGUSR2);
    block(SIGRTMIN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_errno(read(fd, si, sizeof(si)), EAGAIN);
    is_errno(read(fd, si, 127), EINVAL);
    is_eq(ready(fd), 0);
    kill(getpid(), SIGUSR2);
    is_eq(ready(fd), 0);
    kill(getpid(), SIGUSR1);
    is_eq(ready(fd), POLLIN);
    is_eq(read(fd, si, sizeof(si)), 128);
    is_eq(si[0].ssi_signo, SIGUSR1);
    is_eq(si[0].ssi_code, SI_USER);
    is_eq(si[0].ssi_pid == (uint32_t)getpid() && si[0].ssi_uid == getuid(), 1);
    ok(!is_pending(SIGUSR1) && is_pending(SIGUSR2), "taken; the other still pending");

    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    is_eq(signalfd(fd, &set, 0), fd);
    is_eq(ready(fd), POLLIN);
    union sigval v = {.sival_int = 41};
    sigqueue(getpid(), SIGRTMIN, v);
    v.sival_int = 42;
    sigqueue(getpid(), SIGRTMIN, v);
    is_eq(read(fd, si, sizeof(si)), 3 * 128);
    is_eq(si[0].ssi_signo, SIGUSR2);
    is_eq(si[1].ssi_int, 41);
    is_eq(si[2].ssi_int, 42);
    is_eq(si[2].ssi_code, SI_QUEUE);
    kill(getpid(), SIGUSR1);
    is_errno(read(fd, BAD_PTR, 128), EFAULT);

    /* Waiting for one. */
    int wait = signalfd(-1, &set, 0);
    (void)!read(fd, si, 128);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(kill(parent, SIGUSR2));
    }
    is_eq(read(wait, si, 128), 128);
    is_eq(si[0].ssi_signo, SIGUSR2);
    waitpid(pid, NULL, 0);
    sigfillset(&set);
    ok(signalfd(fd, &set, 0) == fd, "SIGKILL and SIGSTOP in the mask are ignored");
    done();
}
