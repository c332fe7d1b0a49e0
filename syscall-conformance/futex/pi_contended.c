/* pthread_mutexattr_setprotocol(3): a lock of many threads and processes with priority inheritance
 * keeps them apart. */
#include "futex.h"

static struct shared {
    pthread_mutex_t m;
    volatile int inside, mixed, count;
} * s;

static void *work(void *arg)
{
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&s->m);
        s->mixed += s->inside++ != 0;
        if (i % 10 == 0)
            sched_yield();
        s->count++;
        s->inside--;
        pthread_mutex_unlock(&s->m);
    }
    return NULL;
}

static void run(void)
{
    pthread_t th[3];

    for (int i = 0; i < 3; i++)
        pthread_create(&th[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(th[i], NULL);
}

int main(void)
{
    pthread_mutexattr_t a;
    int status;

    s = shared_page();
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&s->m, &a);
    pid_t pid = fork();
    run();
    if (pid == 0)
        _exit(0);
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(s->mixed, 0);
    is_eq(s->count, 600);
    is_eq(pthread_mutex_trylock(&s->m), 0);

    /* And of one process. */
    memset(s, 0, sizeof(*s));
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_PRIVATE);
    pthread_mutex_init(&s->m, &a);
    run();
    is_eq(s->mixed, 0);
    is_eq(s->count, 300);
    done();
}
