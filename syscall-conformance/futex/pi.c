/* futex(2) FUTEX_LOCK_PI: the word holds the owner's thread id; EDEADLK, EPERM, EAGAIN, ESRCH and
 * ETIMEDOUT as they should. */
#include "futex.h"

static uint32_t word;
static volatile int err, locked;

static void *other(void *arg)
{
    struct timespec past = {1, 0};

    err = futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == -1 ? errno : 0;
    if (err == EAGAIN)
        err = futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0) == -1 ? errno : 0;
    return NULL;
}

static void *waiter(void *arg)
{
    err = futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == -1 ? errno : 0;
    locked = 1;
    futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

int main(void)
{
    uint32_t tid = (uint32_t)syscall(SYS_gettid);
    pthread_t th;

    is_eq(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    is_eq(word == tid, 1);
    is_errno(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    is_errno(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    pthread_create(&th, NULL, other, NULL);
    pthread_join(th, NULL);
    is_eq(err, ETIMEDOUT);
    pthread_create(&th, NULL, waiter, NULL);
    for (int i = 0; i < 5000 && !(*(volatile uint32_t *)&word & FUTEX_WAITERS); i++)
        nap_ms(1);
    is_eq((word & FUTEX_WAITERS) != 0 && (word & FUTEX_TID_MASK) == tid, 1);
    is_eq(locked, 0);
    is_eq(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    pthread_join(th, NULL);
    is_eq(err, 0);
    is_eq(locked, 1);
    is_eq(word, 0);
    is_errno(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    word = 0x3fffff; /* nobody */
    is_errno(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH);
    is_errno(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    is_errno(futex(BAD_PTR, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    done();
}
