/* When every thread uses the raw exit call, the parent sees the code of the last one to end. */
#include "child.h"
#include <pthread.h>

static volatile pid_t leader;

static void *last(void *arg)
{
    check(await_state(leader, 'Z'), 20);
    syscall(SYS_exit, 5);
    return arg;
}

static void child(void)
{
    pthread_t thread;

    leader = getpid();
    check(pthread_create(&thread, NULL, last, NULL) == 0, 1);
    syscall(SYS_exit, 3);
}

int main(void)
{
    ok(exited_with(in_child(child), 5), "the last thread's code");
    done();
}
