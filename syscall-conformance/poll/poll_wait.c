/* poll(2): waits for an event, never less than the timeout, and EINTR even with SA_RESTART. */
#include "../signal/sig.h"
#include <poll.h>

int main(void)
{
    int p[2], status;
    pid_t parent = getpid(), pid;
    struct pollfd pfd;
    int64_t start;

    if (pipe(p) < 0)
        return 1;
    pfd = (struct pollfd){p[0], POLLIN, 0};
    start = now_ns(CLOCK_MONOTONIC);
    is_eq(poll(&pfd, 1, 50), 0);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 50000000, "never early");
    is_eq(poll(NULL, 0, 10), 0);
    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(write(p[1], "x", 1) != 1);
    }
    is_eq(poll(&pfd, 1, -1), 1);
    is_eq(pfd.revents, POLLIN);
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(read(p[0], &status, 4), 1);

    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(0);
    }
    /* The last writer's close wakes. */
    close(p[1]);
    is_eq(poll(&pfd, 1, -1), 1);
    is_eq(pfd.revents, POLLHUP);
    waitpid(pid, &status, 0);

    if (pipe(p) < 0)
        return 1;
    pfd.fd = p[0];
    for (int i = 0; i < 2; i++) {
        hits = 0;
        install(SIGUSR1, record, i ? SA_RESTART : 0);
        pid = start_poker(SIGUSR1);
        pfd.revents = 0x55;
        is_errno(poll(&pfd, 1, 10000), EINTR);
        is_eq(hits, 1);
        stop_poker(pid);
        pid = start_poker(SIGUSR1);
        is_errno(poll(&pfd, 1, -1), EINTR);
        stop_poker(pid);
    }
    done();
}
