/* signal(7): a stop and SIGCONT do not end nanosleep or poll; they sleep their whole time. */
#include "sig.h"
#include <poll.h>

static bool poll_too;

static void sleeper(void)
{
    struct timespec ts = {0, 150000000};
    int64_t start = now_ns(CLOCK_MONOTONIC);

    if (poll_too)
        check(poll(NULL, 0, 150) == 0, 1);
    else
        check(nanosleep(&ts, NULL) == 0, 2);
    check(now_ns(CLOCK_MONOTONIC) - start >= 150000000, 3);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        int status;
        poll_too = i;
        pid_t pid = fork();
        if (pid == 0) {
            sleeper();
            _exit(0);
        }
        await_state(pid, 'S');
        kill(pid, SIGSTOP);
        waitpid(pid, &status, WUNTRACED);
        kill(pid, SIGCONT);
        waitpid(pid, &status, 0);
        ok(status == 0, "%s", i ? "poll" : "nanosleep");
    }
    done();
}
