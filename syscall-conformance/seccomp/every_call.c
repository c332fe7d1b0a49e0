/* Filters see every call: those that are made often and answered fast, too. */
#include "filter.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

static const long calls[] = {SYS_getpid,        SYS_gettid,         SYS_getppid, SYS_getuid,
                             SYS_geteuid,       SYS_getgid,         SYS_getegid, SYS_sched_yield,
                             SYS_clock_gettime, SYS_rt_sigprocmask, SYS_futex};
static int word;

static void warm(void)
{
    for (int i = 0; i < 50; i++)
        for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
            syscall(calls[k], calls[k] == SYS_futex ? (long)&word : 0L,
                    calls[k] == SYS_futex ? FUTEX_WAKE_PRIVATE : 0L, 1L, 8L);
}

static void refused(void)
{
    warm();
    for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
        check(on_call(calls[k], SECCOMP_RET_ERRNO | 77, 0) == 0, 1);
    for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
        check(syscall(calls[k], (long)&word, FUTEX_WAKE_PRIVATE, 1L, 8L) == -1 && errno == 77,
              (int)k + 2);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn;

static void *other(void *arg)
{
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 200; i++) {
        while (turn != 1)
            pthread_cond_wait(&cond, &mutex);
        turn = 0;
        pthread_cond_signal(&cond);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* Threads that wait for each other while one sets a filter. */
static void waiting_threads(void)
{
    pthread_t t;

    pthread_create(&t, NULL, other, NULL);
    for (int i = 0; i < 200; i++) {
        if (i == 100)
            check(on_call(SYS_getuid, SECCOMP_RET_ERRNO | 5, 0) == 0, 1);
        pthread_mutex_lock(&mutex);
        turn = 1;
        pthread_cond_signal(&cond);
        while (turn != 0)
            pthread_cond_wait(&cond, &mutex);
        pthread_mutex_unlock(&mutex);
    }
    pthread_join(t, NULL);
}

int main(void)
{
    exits_with(refused, 0);
    exits_with(waiting_threads, 0);
    done();
}
