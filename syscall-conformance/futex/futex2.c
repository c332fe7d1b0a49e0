/*
 * futex_wake, futex_wait and futex_requeue (Linux 6.7) take a size and a mask for each word, and
 * meet those who wait by futex(2).
 */
#include "futex.h"

#define SYS_WAKE 454
#define SYS_WAIT 455
#define SYS_REQUEUE 456
#define U32 2
#define PRIVATE 128

static uint32_t a, b;
static volatile pid_t old_tid, new_tid;
static volatile long old_result = -1, new_result = -1;

static void *waits_by_futex(void *arg)
{
    old_tid = (pid_t)syscall(SYS_gettid);
    old_result = futex(&a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static void *waits_by_mask(void *arg)
{
    new_tid = (pid_t)syscall(SYS_gettid);
    new_result = syscall(SYS_WAIT, &a, 0UL, 4UL, U32 | PRIVATE, NULL, 0);
    return NULL;
}

static void await_thread(volatile pid_t *tid)
{
    while (!*tid)
        sched_yield();
    await_state(*tid, 'S');
}

int main(void)
{
    pthread_t old, new;
    struct timespec past = {1, 0};
    struct futex_waitv v[2] = {{.uaddr = (uintptr_t)&a, .flags = U32 | PRIVATE},
                               {.uaddr = (uintptr_t)&b, .flags = U32 | PRIVATE}};

    is_eq(syscall(SYS_WAKE, &a, 0xffffffffUL, 1, U32 | PRIVATE), 0);
    is_errno(syscall(SYS_WAKE, &a, 0xffffffffUL, 1, PRIVATE), EINVAL);
    is_errno(syscall(SYS_WAKE, &a, 0xffffffffUL, 1, U32 | 0x40), EINVAL);
    is_errno(syscall(SYS_WAKE, &a, 1UL << 32, 1, U32 | PRIVATE), EINVAL);
    is_errno(syscall(SYS_WAKE, &a, 0UL, 1, U32 | PRIVATE), EINVAL);
    is_errno(syscall(SYS_WAKE, (char *)&a + 1, 1UL, 1, U32 | PRIVATE), EINVAL);
    is_errno(syscall(SYS_WAIT, &a, 1UL, 1UL, U32 | PRIVATE, NULL, 0), EAGAIN);
    is_errno(syscall(SYS_WAIT, &a, 0UL, 0UL, U32 | PRIVATE, NULL, 0), EINVAL);
    is_errno(syscall(SYS_WAIT, &a, 0UL, 1UL, U32 | PRIVATE, &past, CLOCK_MONOTONIC), ETIMEDOUT);
    is_errno(syscall(SYS_WAIT, &a, 0UL, 1UL, U32 | PRIVATE, &past, CLOCK_REALTIME), ETIMEDOUT);
    is_errno(syscall(SYS_WAIT, &a, 0UL, 1UL, U32 | PRIVATE, &past, CLOCK_BOOTTIME), EINVAL);
    is_errno(syscall(SYS_REQUEUE, v, 1, 1, 1), EINVAL);
    is_errno(syscall(SYS_REQUEUE, NULL, 0, 1, 1), EINVAL);
    is_errno(syscall(SYS_REQUEUE, v, 0, -1, 1), EINVAL);
    v[0].val = 1;
    is_errno(syscall(SYS_REQUEUE, v, 0, 1, 1), EAGAIN);
    v[0].val = 0;

    /* A node behind the word: written when none is asked for. */
    _Alignas(8) uint32_t on_node[2] = {0, ~0U};
    is_eq(syscall(SYS_WAKE, on_node, 1UL, 1, U32 | PRIVATE | 4), 0);
    is_eq(on_node[1], 0);
    on_node[1] = 1 << 20;
    is_errno(syscall(SYS_WAKE, on_node, 1UL, 1, U32 | PRIVATE | 4), EINVAL);
    is_errno(syscall(SYS_WAKE, &on_node[1], 1UL, 1, U32 | PRIVATE | 4), EINVAL);

    pthread_create(&old, NULL, waits_by_futex, NULL);
    await_thread(&old_tid);
    pthread_create(&new, NULL, waits_by_mask, NULL);
    await_thread(&new_tid);
    is_eq(syscall(SYS_REQUEUE, v, 0, 0, 2), 2);
    is_eq(futex(&a, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 0);
    is_eq(syscall(SYS_WAKE, &b, 8UL, 2, U32 | PRIVATE), 1); /* not the one with another mask */
    pthread_join(old, NULL);
    is_eq(old_result, 0);
    is_eq(futex(&b, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 1);
    pthread_join(new, NULL);
    is_eq(new_result, 0);
    done();
}
