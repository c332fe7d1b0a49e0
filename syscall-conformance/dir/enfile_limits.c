/* EMFILE for each way to get a descriptor; descriptors below a lowered limit stay open. */
#include "../tmp.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

int main(void)
{
    struct rlimit rl = {3, 1000};
    sigset_t set;
    int s[2];

    tmp_enter();
    sigemptyset(&set);
    touch("f");
    int keep = open("f", O_RDONLY), l = socket(AF_UNIX, SOCK_STREAM, 0);
    must(setrlimit(RLIMIT_NOFILE, &rl));
    is_errno(open("f", O_RDONLY), EMFILE);
    is_errno(open(".", O_TMPFILE | O_RDWR, 0600), EMFILE);
    is_errno(pipe(s), EMFILE);
    is_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, s), EMFILE);
    is_errno(eventfd(0, 0), EMFILE);
    is_errno(epoll_create1(0), EMFILE);
    is_errno(timerfd_create(CLOCK_MONOTONIC, 0), EMFILE);
    is_errno(signalfd(-1, &set, 0), EMFILE);
    is_errno(inotify_init(), EMFILE);
    is_errno(memfd_create("m", 0), EMFILE);
    is_errno(dup(0), EMFILE);
    is_errno(fcntl(0, F_DUPFD, 0), EMFILE);
    is_errno(fcntl(0, F_DUPFD, 3), EINVAL);
    is_errno(dup2(0, 3), EBADF);
    is_errno(dup3(0, 4, 0), EBADF);
    is_errno(syscall(SYS_pidfd_open, getpid(), 0), EMFILE);
    char c;
    is_eq(read(keep, &c, 1), 0);
    is_eq(fcntl(keep, F_GETFD), 0);
    is_eq(dup2(0, 0), 0);
    is_eq(close(l), 0);
    rl.rlim_cur = 100;
    is_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
    is_eq(open("f", O_RDONLY), l);
    done();
}
