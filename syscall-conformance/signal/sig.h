/* Handlers that record what they got, and shorthands to install and send. */
#ifndef CONFORMANCE_SIG_H
#define CONFORMANCE_SIG_H

#include "../process/child.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t hits, last_sig;
static siginfo_t last_info;

UNUSED_FN static void record(int sig, siginfo_t *info, void *uc)
{
    (void)uc;
    hits++;
    last_sig = sig;
    last_info = *info;
}

UNUSED_FN static void install(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = flags | SA_SIGINFO};

    sigaction(sig, &sa, NULL);
}

UNUSED_FN static sigset_t set_of(int sig)
{
    sigset_t set;

    sigemptyset(&set);
    if (sig)
        sigaddset(&set, sig);
    return set;
}

UNUSED_FN static void block(int sig)
{
    sigset_t set = set_of(sig);

    sigprocmask(SIG_BLOCK, &set, NULL);
}

UNUSED_FN static void unblock(int sig)
{
    sigset_t set = set_of(sig);

    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

UNUSED_FN static bool is_blocked(int sig)
{
    sigset_t set;

    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, sig);
}

UNUSED_FN static bool is_pending(int sig)
{
    sigset_t set;

    sigpending(&set);
    return sigismember(&set, sig);
}

/* A child that sends sig to its parent once that sleeps in a call; reap it with stop_poker. */
UNUSED_FN static pid_t start_poker(int sig)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        nap_ms(10);
        await_state(parent, 'S');
        nap_ms(10);
        kill(parent, sig);
        for (;;)
            pause();
    }
    return pid;
}

UNUSED_FN static void stop_poker(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

#endif
