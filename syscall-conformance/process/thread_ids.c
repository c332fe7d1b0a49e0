/* gettid(2), getpid(2): threads share the process ID and have thread IDs of their own. */
#include "child.h"
#include <pthread.h>

static pid_t pid, tid, sid_ok;

static void *thread(void *arg)
{
    pid = getpid();
    tid = gettid();
    sid_ok = getppid();
    return arg;
}

int main(void)
{
    pthread_t t;

    ok(gettid() == getpid(), "the leader's tid is the pid");
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    ok(pid == getpid(), "same pid");
    ok(tid != getpid() && tid > 0, "other tid");
    ok(sid_ok == getppid(), "same parent");
    done();
}
