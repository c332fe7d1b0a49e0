/* signal(7): vector registers of a computation survive timer signals whose handler uses them. */
#include "sig.h"
#include <sys/time.h>

static volatile double noise = 1.5;

static void on_alarm(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    for (int i = 0; i < 50; i++)
        noise = noise * 1.0001 + 0.5;
}

int main(void)
{
    struct itimerval it = {{0, 1000}, {0, 1000}};
    bool same = true;

    install(SIGALRM, on_alarm, SA_RESTART);
    setitimer(ITIMER_REAL, &it, NULL);
    for (int64_t end = now_ns(CLOCK_MONOTONIC) + 5000000000LL; hits < 60 && same;) {
        double x = 0, y = 1;
        for (int i = 0; i < 2000; i++) {
            x += y * 0.5;
            y += 2;
        }
        same = x == 2000000.0;
        if (now_ns(CLOCK_MONOTONIC) > end)
            break;
    }
    ok(hits >= 60, "many signals arrived");
    ok(same, "no result was disturbed");
    done();
}
