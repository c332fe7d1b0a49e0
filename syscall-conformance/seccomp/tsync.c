/* SECCOMP_FILTER_FLAG_TSYNC gives all threads the filter, or says which one cannot take it. */
#include "filter.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t ready, go, done_;
static volatile int own, result;
static volatile pid_t tid;

static void *thread(void *arg)
{
    tid = (pid_t)syscall(SYS_gettid);
    if (own)
        on_call(SYS_getgid, SECCOMP_RET_ERRNO | 3, 0);
    sem_post(&ready);
    sem_wait(&go);
    result = syscall(SYS_getuid) == -1 && errno == 44;
    result |= prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) << 1;
    sem_post(&done_);
    return NULL;
}

static long sync_with(int flags)
{
    pthread_t t;

    sem_init(&ready, 0, 0);
    sem_init(&go, 0, 0);
    sem_init(&done_, 0, 0);
    pthread_create(&t, NULL, thread, NULL);
    sem_wait(&ready);
    long r = on_call(SYS_getuid, SECCOMP_RET_ERRNO | 44, SECCOMP_FILTER_FLAG_TSYNC | flags);
    int e = errno;
    sem_post(&go);
    sem_wait(&done_);
    pthread_join(t, NULL);
    errno = e;
    return r;
}

static void all(void)
{
    check(sync_with(0) == 0 && result == 3, 1);
}

static void not_possible(void)
{
    own = 1;
    check(sync_with(0) == tid && !(result & 1), 1);
}

static void not_possible_errno(void)
{
    own = 1;
    check(sync_with(SECCOMP_FILTER_FLAG_TSYNC_ESRCH) == -1 && errno == ESRCH, 1);
}

int main(void)
{
    exits_with(all, 0);
    exits_with(not_possible, 0);
    exits_with(not_possible_errno, 0);
    done();
}
