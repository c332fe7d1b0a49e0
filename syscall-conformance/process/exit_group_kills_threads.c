/* exit_group(2): all threads of the process end, blocked or running. */
#include "child.h"
#include <pthread.h>

static void *spin(void *arg)
{
    for (volatile unsigned long i = 0;; i++)
        ;
    return arg;
}

static void *block(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void child(void)
{
    pthread_t thread;

    check(pthread_create(&thread, NULL, spin, NULL) == 0, 1);
    check(pthread_create(&thread, NULL, block, NULL) == 0, 2);
    check(pthread_create(&thread, NULL, block, NULL) == 0, 3);
    nap_ms(10);
    syscall(SYS_exit_group, 42);
}

int main(void)
{
    ok(exited_with(in_child(child), 42), "status is exit_group's");
    done();
}
