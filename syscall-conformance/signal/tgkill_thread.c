/* tgkill(2): the signal goes to that thread, pthread masks are per thread, actions are shared. */
#include "sig.h"
#include <pthread.h>

static volatile pid_t handled_by, tid;
static volatile int stop;

static void handler(int sig)
{
    (void)sig;
    handled_by = gettid();
}

static void *thread(void *arg)
{
    tid = gettid();
    while (!stop)
        nap_ms(1);
    return arg;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler};
    pthread_t t;

    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, thread, NULL);
    while (!tid)
        nap_ms(1);
    is_eq(syscall(SYS_tgkill, getpid(), tid, SIGUSR1), 0);
    for (int i = 0; i < 2000 && !handled_by; i++)
        nap_ms(1);
    ok(handled_by == tid, "the addressed thread ran the handler");
    block(SIGUSR1);
    handled_by = 0;
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 2000 && !handled_by; i++)
        nap_ms(1);
    ok(handled_by == tid, "a process signal goes to a thread that does not block it");
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
    ok(is_pending(SIGUSR1), "a thread signal stays with its thread");
    stop = 1;
    pthread_join(t, NULL);
    done();
}
