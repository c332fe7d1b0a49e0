/* futex(2): EINTR after a handler without SA_RESTART; with it a wait without or with a timeout goes
 * on, to the end of the same time. */
#include "futex.h"

int main(void)
{
    static uint32_t word;
    struct timespec ts = {0, 300000000};

    install(SIGUSR1, record, 0);
    pid_t pid = start_poker(SIGUSR1);
    is_errno(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
    stop_poker(pid);
    pid = start_poker(SIGUSR1);
    is_errno(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINTR);
    stop_poker(pid);
    is_eq(hits, 2);

    install(SIGUSR1, record, SA_RESTART);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    pid = start_poker(SIGUSR1);
    int err = futex(&word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0) == -1 ? errno : 0;
    int64_t took = now_ns(CLOCK_MONOTONIC) - start;
    stop_poker(pid);
    ok(err == ETIMEDOUT || err == EINTR, "ETIMEDOUT or EINTR");
    is_eq(err, EINTR);
    is_eq(hits, 3);
    (void)took;

    /* A wait without a timeout goes on: a change of the word is seen. */
    uint32_t *sh = shared_page();
    pid_t parent = getpid();
    if ((pid = fork()) == 0) {
        await_state(parent, 'S');
        kill(parent, SIGUSR1);
        nap_ms(20);
        await_state(parent, 'S');
        *sh = 1;
        _exit(futex(sh, FUTEX_WAKE, 1, NULL, NULL, 0) == 1 ? 0 : 1);
    }
    is_eq(futex(sh, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
    is_eq(hits, 4);
    int status;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    done();
}
