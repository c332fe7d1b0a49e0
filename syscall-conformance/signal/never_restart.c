/* signal(7): poll, select, epoll_wait, nanosleep, pause, sigtimedwait give EINTR despite
 * SA_RESTART. */
#include "sig.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

int main(void)
{
    struct pollfd none = {-1, 0, 0};
    struct timespec ts = {100, 0};
    struct timeval second = {100, 0};
    struct epoll_event ev;
    sigset_t set = set_of(SIGUSR2);
    int epfd = epoll_create1(0), sock[2];
    char c;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock) < 0)
        return 1;
    setsockopt(sock[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    install(SIGUSR1, record, SA_RESTART);
    block(SIGUSR2);
#define INTERRUPTED(call)                                                                          \
    do {                                                                                           \
        pid_t poker = start_poker(SIGUSR1);                                                        \
        is_errno(call, EINTR);                                                                     \
        stop_poker(poker);                                                                         \
    } while (0)
    INTERRUPTED(poll(&none, 1, -1));
    INTERRUPTED(select(0, NULL, NULL, NULL, NULL));
    INTERRUPTED(epoll_wait(epfd, &ev, 1, -1));
    INTERRUPTED(nanosleep(&ts, NULL));
    INTERRUPTED(pause());
    INTERRUPTED(sigtimedwait(&set, NULL, &ts));
    INTERRUPTED(recv(sock[0], &c, 1, 0));
    is_eq(hits, 7);
    done();
}
