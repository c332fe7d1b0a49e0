/*
 * pidfd_send_signal(2): the scope of a signal, and numbers that stand for the caller; waitid(2) on
 * a pidfd that does not block; process_madvise(2).
 */
#include "child.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int send_to(int fd, int sig, unsigned int flags)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, flags);
}

static long advise(int fd, void *p, size_t len, unsigned long n, int advice, unsigned int flags)
{
    struct iovec v[2] = {{p, len}, {p, len}};

    return syscall(SYS_process_madvise, fd, v, n, advice, flags);
}

static volatile int got;

static void handler(int sig)
{
    got++;
}

int main(void)
{
    siginfo_t info;
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    signal(SIGUSR1, handler);
    is_eq(send_to(-10000, SIGUSR1, 0), 0);
    is_eq(send_to(-10001, SIGUSR1, 0), 0);
    is_eq(got, 2);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        for (;;)
            pause();
    }
    setpgid(pid, pid);
    int fd = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
    is_eq(send_to(fd, 0, 1), 0);
    is_eq(send_to(fd, 0, 2), 0);
    is_eq(send_to(fd, 0, 4), 0);
    is_errno(send_to(fd, 0, 3), EINVAL);
    is_errno(send_to(fd, 0, 8), EINVAL);
    is_errno(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
    is_eq(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG), 0);

    is_eq(advise(fd, p, 4096, 1, 20, 0), 4096);
    is_eq(advise(fd, p, 4096, 2, 20, 0), 8192);
    is_eq(advise(fd, p, 4096, 1, MADV_WILLNEED, 0), 4096);
    is_errno(advise(fd, p, 4096, 1, MADV_DONTNEED, 0), EINVAL);
    is_errno(advise(fd, p, 4096, 1, 20, 1), EINVAL);
    is_errno(advise(-1, p, 4096, 1, 20, 0), EBADF);
    is_errno(advise(fd, (void *)0x1000, 4096, 1, 20, 0), ENOMEM);
    is_errno(advise(fd, p + 1, 4096, 1, 20, 0), EINVAL);
    is_eq(advise(fd, p, 4096, 0, 20, 0), 0);
    is_errno(advise(fd, p, 4096, 1025, 20, 0), EINVAL);
    *p = 1;
    is_eq(advise(-10001, p, 4096, 1, MADV_DONTNEED, 0), 4096);
    is_eq(*p, 0);

    is_eq(send_to(fd, SIGTERM, 4), 0);
    fcntl(fd, F_SETFL, 0);
    is_eq(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
    is_eq(info.si_status, SIGTERM);
    done();
}
