/* getrlimit(2): limits are per process, shared by its threads and copied by fork. */
#include "child.h"
#include <pthread.h>
#include <sys/resource.h>

static struct rlimit lim, seen;

static void *thread(void *arg)
{
    getrlimit(RLIMIT_CORE, &seen);
    return arg;
}

static void child(void)
{
    struct rlimit zero = {0, 0};

    check(getrlimit(RLIMIT_CORE, &lim) == 0 && lim.rlim_cur == 4096, 1);
    check(setrlimit(RLIMIT_CORE, &zero) == 0, 2);
}

int main(void)
{
    pthread_t t;

    getrlimit(RLIMIT_CORE, &lim);
    if (lim.rlim_max < 4096) {
        skip("the hard limit is too low");
        done();
    }
    lim.rlim_cur = 4096;
    is_eq(setrlimit(RLIMIT_CORE, &lim), 0);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    is_eq(seen.rlim_cur, 4096);
    is_eq(in_child(child), 0);
    getrlimit(RLIMIT_CORE, &seen);
    is_eq(seen.rlim_cur, 4096);
    done();
}
