/*
 * sigprocmask(2): a pending signal that a call unblocks is delivered before that call returns,
 * however its sending and the changes of the mask fall together. None is lost.
 */
#include "sig.h"
#include <pthread.h>

#define ROUNDS 300

static volatile int sent, handled, late, stop;
static volatile pid_t target;
static int to_group;

static void handler(int sig)
{
    (void)sig;
    __atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static void change(int how, int sig)
{
    unsigned long set = 1UL << (sig - 1);

    syscall(SYS_rt_sigprocmask, how, &set, NULL, 8);
}

static void *toggle(void *arg)
{
    target = gettid();
    while (!stop) {
        change(SIG_BLOCK, SIGUSR1);
        int before = sent;
        change(SIG_UNBLOCK, SIGUSR1);
        late += !to_group && handled < before;
    }
    return arg;
}

static int wait_handled(int n)
{
    for (long i = 0; handled < n; i++) {
        if (i > 20000)
            return 0;
        if (i > 1000)
            nap_ms(1);
    }
    return 1;
}

/* One at a time, since a second one would merge with the first. */
static int all_arrive(void)
{
    int good = 1;

    sent = handled = 0;
    for (int i = 1; good && i <= ROUNDS; i++) {
        if (to_group)
            kill(getpid(), SIGUSR1);
        else
            syscall(SYS_tgkill, getpid(), target, SIGUSR1);
        sent = i;
        good = wait_handled(i);
    }
    return good && handled == ROUNDS;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler};
    pthread_t t, u;

    sigaction(SIGUSR1, &sa, NULL);
    block(SIGUSR1);
    pthread_create(&t, NULL, toggle, NULL);
    while (!target)
        nap_ms(1);
    ok(all_arrive(), "every signal for a thread arrives");
    to_group = 1;
    ok(all_arrive(), "so does every one for the process, with one thread to take it");
    pthread_create(&u, NULL, toggle, NULL);
    ok(all_arrive(), "and with two");
    stop = 1;
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    is_eq(late, 0);
    is_eq(is_blocked(SIGUSR1), 1);
    done();
}
