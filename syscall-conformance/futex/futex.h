/* The futex system call, and threads that wait for it. */
#ifndef CONFORMANCE_FUTEX_H
#define CONFORMANCE_FUTEX_H

#include "../signal/sig.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>

UNUSED_FN static long futex(void *addr, int op, uint32_t val, const void *timeout, void *addr2,
                            uint32_t val3)
{
    return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

/* val2 instead of the timeout. */
UNUSED_FN static long futex2(void *addr, int op, uint32_t val, long val2, void *addr2,
                             uint32_t val3)
{
    return syscall(SYS_futex, addr, op, val, val2, addr2, val3);
}

struct waiter {
    pthread_t thread;
    uint32_t *addr, val, bits;
    int op;
    volatile pid_t tid;
    volatile long result;
    volatile int err, woken;
};

UNUSED_FN static void *waiter_main(void *arg)
{
    struct waiter *w = arg;

    w->tid = (pid_t)syscall(SYS_gettid);
    w->result = futex(w->addr, w->op, w->val, NULL, NULL, w->bits);
    w->err = errno;
    w->woken = 1;
    return NULL;
}

/* Starts a thread and returns when it sleeps in the call. */
UNUSED_FN static void waiter_start(struct waiter *w, uint32_t *addr, int op, uint32_t val,
                                   uint32_t bits)
{
    memset(w, 0, sizeof(*w));
    w->addr = addr;
    w->op = op;
    w->val = val;
    w->bits = bits;
    pthread_create(&w->thread, NULL, waiter_main, w);
    while (!w->tid)
        nap_ms(1);
    await_state(w->tid, 'S');
}

UNUSED_FN static long waiter_join(struct waiter *w)
{
    pthread_join(w->thread, NULL);
    return w->result;
}

#endif
