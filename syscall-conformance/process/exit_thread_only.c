/* _exit(2): the raw exit call ends the calling thread only; the others keep running. */
#include "child.h"
#include <pthread.h>

static volatile pid_t leader;

static void *survivor(void *arg)
{
    (void)arg;
    check(await_state(leader, 'Z'), 20);
    check(getpid() == leader, 21);
    syscall(SYS_exit_group, 7);
    return NULL;
}

static void child(void)
{
    pthread_t thread;

    leader = getpid();
    check(pthread_create(&thread, NULL, survivor, NULL) == 0, 1);
    syscall(SYS_exit, 3);
}

int main(void)
{
    ok(exited_with(in_child(child), 7), "the group ends with exit_group's status");
    done();
}
