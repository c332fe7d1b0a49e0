/*
 * pthread_cond_wait(3) with a mutex of priority inheritance: producers and consumers of one queue
 * lose nothing, with and without a time to wait until.
 */
#include "futex.h"

#define ITEMS 200

static pthread_mutex_t m;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queued, made, taken, sum;

static void wait_on(pthread_cond_t *c)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += 100;
    if (made % 2)
        pthread_cond_wait(c, &m);
    else
        pthread_cond_timedwait(c, &m, &ts);
}

static void *produce(void *arg)
{
    pthread_mutex_lock(&m);
    while (made < ITEMS) {
        if (queued == 3) {
            wait_on(&not_full);
            continue;
        }
        queued++;
        made++;
        pthread_cond_signal(&not_empty);
    }
    pthread_cond_broadcast(&not_full);
    pthread_mutex_unlock(&m);
    return NULL;
}

static void *consume(void *arg)
{
    pthread_mutex_lock(&m);
    while (taken < ITEMS) {
        if (!queued) {
            wait_on(&not_empty);
            continue;
        }
        queued--;
        sum += ++taken;
        pthread_cond_signal(&not_full);
    }
    pthread_cond_broadcast(&not_empty);
    pthread_mutex_unlock(&m);
    return NULL;
}

int main(void)
{
    pthread_t th[6];
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&m, &a);
    for (int i = 0; i < 6; i++)
        pthread_create(&th[i], NULL, i % 2 ? produce : consume, NULL);
    for (int i = 0; i < 6; i++)
        pthread_join(th[i], NULL);
    is_eq(made, ITEMS);
    is_eq(taken, ITEMS);
    is_eq(queued, 0);
    is_eq(sum, ITEMS * (ITEMS + 1) / 2);
    done();
}
