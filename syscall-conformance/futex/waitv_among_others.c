/*
 * futex_waitv(2) in a process whose other threads wait by futex(2): whoever changes a word and
 * wakes reaches all of them, before and after the first such call.
 */
#include "futex.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define THREADS 8

static uint32_t words[THREADS], done_words[THREADS], other;
static volatile pid_t tids[THREADS];

static void *waits(void *arg)
{
    long i = (long)arg;

    tids[i] = (pid_t)syscall(SYS_gettid);
    while (!__atomic_load_n(&words[i], __ATOMIC_SEQ_CST))
        futex(&words[i], FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    __atomic_store_n(&done_words[i], 1, __ATOMIC_SEQ_CST);
    futex(&done_words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return NULL;
}

int main(void)
{
    pthread_t th[THREADS];
    struct futex_waitv v[2];
    int hung = 0;

    for (long i = 0; i < THREADS; i++)
        pthread_create(&th[i], NULL, waits, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        while (!tids[i])
            sched_yield();
        await_state(tids[i], 'S');
    }
    v[0] = (struct futex_waitv){.val = 1, .uaddr = (uintptr_t)&other, .flags = FUTEX_32 | 128};
    is_errno(syscall(SYS_futex_waitv, v, 1, 0, NULL, 0), EAGAIN);
    for (int i = 0; i < THREADS; i++) {
        __atomic_store_n(&words[i], 1, __ATOMIC_SEQ_CST);
        futex(&words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        v[0] = (struct futex_waitv){.uaddr = (uintptr_t)&other, .flags = FUTEX_32 | 128};
        v[1] = (struct futex_waitv){.uaddr = (uintptr_t)&done_words[i], .flags = FUTEX_32 | 128};
        while (!__atomic_load_n(&done_words[i], __ATOMIC_SEQ_CST)) {
            long r = syscall(SYS_futex_waitv, v, 2, 0, NULL, 0);
            hung += r != 1 && !(r < 0 && errno == EAGAIN);
        }
        pthread_join(th[i], NULL);
    }
    is_eq(hung, 0);
    done();
}
