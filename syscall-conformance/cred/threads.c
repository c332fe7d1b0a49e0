/* credentials(7): for the kernel each thread has its own; the C library's wrappers change all. */
#include "cred.h"
#include <pthread.h>

static void *raw(void *arg)
{
    return (void *)(long)(syscall(SYS_setresuid, 1000, 1000, 1000) == 0 && geteuid() == 1000);
}

static void *wait_for(void *arg)
{
    int *p = arg;
    char c;

    return (void *)(long)(read(p[0], &c, 1) == 1 && geteuid() == 1001);
}

static void one_thread(void)
{
    pthread_t th;
    void *r;

    pthread_create(&th, NULL, raw, NULL);
    pthread_join(th, &r);
    check(r != NULL, 1);
    check(geteuid() == 0, 2);
}

static void all_threads(void)
{
    pthread_t th;
    void *r;
    int p[2];

    check(pipe(p) == 0, 1);
    pthread_create(&th, NULL, wait_for, p);
    check(setuid(1001) == 0, 2);
    check(write(p[1], "x", 1) == 1, 3);
    pthread_join(th, &r);
    check(r != NULL, 4);
}

int main(void)
{
    root_only(one_thread, "the system call changes one thread");
    root_only(all_threads, "the library changes all");
    done();
}
