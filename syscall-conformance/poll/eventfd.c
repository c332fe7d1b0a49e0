/* eventfd(2): writes add, a read takes all (or one with EFD_SEMAPHORE), and both wait or fail with
 * EAGAIN at 0 and at the maximum. */
#include "../signal/sig.h"
#include <poll.h>
#include <sys/eventfd.h>

static short ready(int fd)
{
    struct pollfd pfd = {fd, POLLIN | POLLOUT, 0};

    poll(&pfd, 1, 0);
    return pfd.revents;
}

int main(void)
{
    uint64_t v, max = UINT64_MAX - 1, all = UINT64_MAX;
    char small[4];

    is_errno(eventfd(0, 0x100), EINVAL);
    int fd = eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    is_eq(ready(fd), POLLIN | POLLOUT);
    is_eq(read(fd, &v, 8), 8);
    is_eq(v, 5);
    is_eq(ready(fd), POLLOUT);
    is_errno(read(fd, &v, 8), EAGAIN);
    v = 3;
    is_eq(write(fd, &v, 8), 8);
    is_eq(write(fd, &v, 8), 8);
    is_eq(read(fd, &v, 8), 8);
    is_eq(v, 6);
    is_errno(read(fd, small, 4), EINVAL);
    is_errno(write(fd, small, 4), EINVAL);
    is_errno(write(fd, &all, 8), EINVAL);
    is_errno(write(fd, BAD_PTR, 8), EFAULT);
    is_eq(lseek(fd, 0, SEEK_SET), 0);
    is_eq(write(fd, &max, 8), 8);
    is_eq(ready(fd), POLLIN);
    v = 1;
    is_errno(write(fd, &v, 8), EAGAIN);
    v = 0;
    is_eq(write(fd, &v, 8), 8);
    char wide[16];
    is_eq(read(fd, wide, 16), 8);

    int sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    is_eq(read(sem, &v, 8) == 8 && v == 1, 1);
    is_eq(read(sem, &v, 8) == 8 && v == 1, 1);
    is_errno(read(sem, &v, 8), EAGAIN);

    int wait = eventfd(0, 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(eventfd_write(wait, 9) != 0);
    }
    is_eq(read(wait, &v, 8) == 8 && v == 9, 1);
    waitpid(pid, NULL, 0);
    install(SIGUSR1, record, 0);
    pid = start_poker(SIGUSR1);
    is_errno(read(wait, &v, 8), EINTR);
    stop_poker(pid);
    is_eq(write(wait, &max, 8), 8);
    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(read(wait, &v, 8) != 8);
    }
    v = 4;
    is_eq(write(wait, &v, 8), 8);
    waitpid(pid, NULL, 0);
    is_eq(read(wait, &v, 8) == 8 && v == 4, 1);
    done();
}
