/* unix(7): a datagram receiver that does not read makes senders wait (EAGAIN); poll tells a
 * connected sender when there is room again. */
#include "unix.h"

int main(void)
{
    int s[2], n = 0;
    char buf[8];

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    is_eq(events(s[0]), POLLOUT);
    while (n < 10000 && send(s[0], "m", 1, 0) == 1)
        n++;
    ok(n > 0 && n < 10000, "full after some messages");
    is_eq(errno, EAGAIN);
    is_eq(events(s[1]) & POLLIN, POLLIN);
    int got = 0;
    while (recv(s[1], buf, 8, 0) == 1)
        got++;
    is_eq(got, n);
    is_eq(events(s[0]), POLLOUT);

    /* A blocked sender goes on when the receiver has read enough. */
    fcntl(s[0], F_SETFL, 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        check(await_state(parent, 'S'), 1);
        for (int i = 0; i < n; i++)
            check(recv(s[1], buf, 8, 0) == 1, 2);
        _exit(0);
    }
    for (int i = 0; i < n + 1; i++)
        if (send(s[0], "m", 1, 0) != 1)
            return 1;
    int status;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    for (got = 0; recv(s[1], buf, 8, 0) == 1; got++)
        ;
    is_eq(got, 1);
    install(SIGUSR1, record, 0);
    for (int i = 0; i < n; i++)
        if (send(s[0], "m", 1, 0) != 1)
            return 1;
    pid = start_poker(SIGUSR1);
    is_errno(send(s[0], "m", 1, 0), EINTR);
    stop_poker(pid);
    struct timeval tv = {0, 20000};
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
    is_errno(send(s[0], "m", 1, 0), EAGAIN);

    /* Of a receiver that is not connected back only some messages wait. */
    int r = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int w = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    is_eq(bind_to(r, own_name("r")), 0);
    is_eq(connect_to(w, own_name("r")), 0);
    for (n = 0; n < 10000 && send(w, "m", 1, 0) == 1; n++)
        ;
    is_eq(errno, EAGAIN);
    is_eq(events(w), 0);
    is_eq(recv(r, buf, 8, 0), 1);
    is_eq(events(w), POLLOUT);
    is_eq(send(w, "m", 1, 0), 1);
    is_errno(send(w, "m", 1, 0), EAGAIN);
    done();
}
