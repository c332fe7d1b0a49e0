/* futex(2): a waiter that was requeued is woken by a signal or its timeout there as well, and then
 * no longer waits at either word. */
#include "futex.h"

static uint32_t a, b;
static volatile pid_t tid;
static volatile int err;

static void *timed(void *arg)
{
    struct timespec ts = {0, 150000000};

    tid = (pid_t)syscall(SYS_gettid);
    err = futex(&a, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0) == -1 ? errno : 0;
    return NULL;
}

static void *signalled(void *arg)
{
    tid = (pid_t)syscall(SYS_gettid);
    err = futex(&a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == -1 ? errno : 0;
    return NULL;
}

static pthread_t start(void *(*fn)(void *))
{
    pthread_t th;

    tid = 0;
    pthread_create(&th, NULL, fn, NULL);
    while (!tid)
        nap_ms(1);
    await_state(tid, 'S');
    return th;
}

int main(void)
{
    pthread_t th = start(timed);

    is_eq(futex2(&a, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &b, 0), 1);
    pthread_join(th, NULL);
    is_eq(err, ETIMEDOUT);
    is_eq(futex(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);

    install(SIGUSR1, record, 0);
    th = start(signalled);
    is_eq(futex2(&a, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &b, 0), 1);
    pthread_kill(th, SIGUSR1);
    pthread_join(th, NULL);
    is_eq(err, EINTR);
    is_eq(hits, 1);
    is_eq(futex(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    is_eq(futex(&a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    done();
}
