/* Threads that reach the same instruction for the first time together all get their own answers. */
#include "text.h"

#define THREADS 12
#define ROUNDS 400

static pthread_barrier_t together;
static int bad;

static void *caller(void *arg)
{
    long tid = syscall(SYS_gettid), self = getpid();
    int wrongs = 0;

    pthread_barrier_wait(&together);
    for (int i = 0; i < ROUNDS; i++) {
        wrongs += site_back(SYS_gettid, 0) != tid;
        wrongs += site_back(SYS_getsid, -1) != -ESRCH;
        wrongs += site_front(self) != site_back(SYS_getpgid, 0);
        wrongs += site_front(-1) != -ESRCH;
    }
    __atomic_add_fetch(&bad, wrongs, __ATOMIC_RELAXED);
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];

    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, caller, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    is_eq(bad, 0);
    done();
}
