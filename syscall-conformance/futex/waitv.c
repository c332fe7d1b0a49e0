/* futex_waitv(2): waits for any of several words and returns the index of the one that was woken.
 */
#include "futex.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static uint32_t words[3];
static volatile pid_t main_tid;

static void *waker(void *arg)
{
    await_state(main_tid, 'S');
    futex(&words[1], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return NULL;
}

int main(void)
{
    struct futex_waitv w[3];
    struct timespec ts = {1, 0};
    pthread_t th;

    for (int i = 0; i < 3; i++)
        w[i] = (struct futex_waitv){.uaddr = (uintptr_t)&words[i],
                                    .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
    main_tid = (pid_t)syscall(SYS_gettid);
    is_errno(syscall(SYS_futex_waitv, w, 3, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
    pthread_create(&th, NULL, waker, NULL);
    is_eq(syscall(SYS_futex_waitv, w, 3, 0, NULL, 0), 1);
    pthread_join(th, NULL);
    words[2] = 1;
    is_errno(syscall(SYS_futex_waitv, w, 3, 0, NULL, 0), EAGAIN);
    is_errno(syscall(SYS_futex_waitv, w, 0, 0, NULL, 0), EINVAL);
    is_errno(syscall(SYS_futex_waitv, w, 129, 0, NULL, 0), EINVAL);
    is_errno(syscall(SYS_futex_waitv, w, 3, 1, NULL, 0), EINVAL);
    is_errno(syscall(SYS_futex_waitv, BAD_PTR, 3, 0, NULL, 0), EFAULT);
    is_errno(syscall(SYS_futex_waitv, w, 3, 0, &ts, 77), EINVAL);
    w[0].flags = 0x40;
    is_errno(syscall(SYS_futex_waitv, w, 3, 0, NULL, 0), EINVAL);
    w[0].flags = FUTEX_32;
    w[0].__reserved = 1;
    is_errno(syscall(SYS_futex_waitv, w, 3, 0, NULL, 0), EINVAL);
    done();
}
