/* signal(7): blocking calls fail with EINTR after a handler without SA_RESTART ran. */
#include "sig.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>

static int pipefd[2], full[2], sock[2], listener, epfd;

static long do_call(int which)
{
    struct pollfd pfd = {pipefd[0], POLLIN, 0};
    struct epoll_event ev;
    struct timespec long_time = {100, 0};
    static char buf[1 << 17];
    static int word = 1;
    fd_set set;

    FD_ZERO(&set);
    FD_SET(pipefd[0], &set);
    switch (which) {
    case 0:
        return read(pipefd[0], buf, 1);
    case 1:
        return write(full[1], buf, 1 << 16);
    case 2:
        return recv(sock[0], buf, 1, 0);
    case 3:
        return accept(listener, NULL, NULL);
    case 4:
        return poll(&pfd, 1, -1);
    case 5:
        return select(pipefd[0] + 1, &set, NULL, NULL, NULL);
    case 6:
        return epoll_wait(epfd, &ev, 1, -1);
    case 7:
        return nanosleep(&long_time, NULL);
    case 8:
        return pause();
    case 9:
        return syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
    default:
        return flock(pipefd[0], LOCK_EX);
    }
}

int main(void)
{
    static const char *names[] = {"read",   "write",      "recv",      "accept", "poll",
                                  "select", "epoll_wait", "nanosleep", "pause",  "futex"};
    static char junk[1 << 16];

    if (pipe(pipefd) < 0 || pipe(full) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sock) < 0)
        return 1;
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr any = {.sa_family = AF_UNIX};
    if (bind(listener, &any, sizeof(any.sa_family)) < 0 || listen(listener, 1) < 0)
        return 1;
    epfd = epoll_create1(0);
    ok(write(full[1], junk, sizeof(junk)) == sizeof(junk), "pipe filled");
    install(SIGUSR1, record, 0);
    for (int i = 0; i < 10; i++) {
        hits = 0;
        pid_t poker = start_poker(SIGUSR1);
        errno = 0;
        long ret = do_call(i);
        ok(ret == -1 && errno == EINTR, "%s gives EINTR", names[i]);
        ok(hits == 1, "%s: handler ran", names[i]);
        stop_poker(poker);
    }
    done();
}
