/* pthread_mutex_lock(3): a robust mutex whose owner ended is EOWNERDEAD for the next, across
 * threads and processes; ENOTRECOVERABLE when it was not made consistent. */
#include "futex.h"

static pthread_mutex_t *m;

static void *lock_and_end(void *arg)
{
    pthread_mutex_lock(m);
    return NULL;
}

static void init(int pi)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    if (pi)
        pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(m, &a);
}

static void lock_in_child(void)
{
    pthread_mutex_lock(m);
}

int main(void)
{
    pthread_t th;

    m = shared_page();
    for (int pi = 0; pi < 2; pi++) {
        init(pi);
        pthread_create(&th, NULL, lock_and_end, NULL);
        pthread_join(th, NULL);
        is_eq(pthread_mutex_lock(m), EOWNERDEAD);
        is_eq(pthread_mutex_consistent(m), 0);
        is_eq(pthread_mutex_unlock(m), 0);
        is_eq(pthread_mutex_lock(m), 0);
        is_eq(pthread_mutex_unlock(m), 0);
        is_eq(in_child(lock_in_child), 0);
        is_eq(pthread_mutex_trylock(m), EOWNERDEAD);
        is_eq(pthread_mutex_unlock(m), 0);
        is_eq(pthread_mutex_lock(m), ENOTRECOVERABLE);
    }
    done();
}
