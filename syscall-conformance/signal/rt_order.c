/* signal(7): real-time signals queue, lowest number first, equal ones in the order they were sent.
 */
#include "sig.h"

static int order[16], values[16];
static volatile int n;

static void on_rt(int sig, siginfo_t *info, void *uc)
{
    (void)uc;
    order[n] = sig - SIGRTMIN;
    values[n++] = info->si_value.sival_int;
}

int main(void)
{
    static const int send[] = {3, 1, 3, 2, 1}, want[] = {1, 1, 2, 3, 3},
                     want_values[] = {1, 4, 3, 0, 2};
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    for (int i = 1; i <= 3; i++) {
        struct sigaction sa = {.sa_sigaction = on_rt, .sa_flags = SA_SIGINFO, .sa_mask = all};
        sigaction(SIGRTMIN + i, &sa, NULL);
        block(SIGRTMIN + i);
    }
    for (int i = 0; i < 5; i++)
        is_eq(sigqueue(getpid(), SIGRTMIN + send[i], (union sigval){.sival_int = i}), 0);
    /* Without the handlers' mask the kernel would stack the frames and the last would run first. */
    while (n < 5) {
        sigsuspend(&none);
    }
    sigset_t left;
    sigpending(&left);
    is_eq(n, 5);
    int seen[4] = {0};
    for (int i = 0; i < 5; i++)
        seen[order[i]]++;
    ok(seen[1] == 2 && seen[2] == 1 && seen[3] == 2, "all were delivered");
    ok(!memcmp(order, want, sizeof(want)), "by number");
    ok(!memcmp(values, want_values, sizeof(want_values)), "then by age");
    done();
}
