/* CLONE_SYSVSEM: threads share what is to be undone; it is undone when the last of them ends. */
#include "sysv.h"
#include <pthread.h>

static int id;

static void *thread(void *arg)
{
    return (void *)(long)op1(id, 0, 1, SEM_UNDO);
}

static int body(void)
{
    pthread_t th;
    void *r;

    if (pthread_create(&th, NULL, thread, NULL) || pthread_join(th, &r) || r)
        return 1;
    if (semctl(id, 0, GETVAL) != 1)
        return 2;
    return op1(id, 0, -1, SEM_UNDO | IPC_NOWAIT) ? 3 : 0;
}

int main(void)
{
    id = new_sem(1, 0600);
    is_eq(in_child(body), 0);
    is_eq(semctl(id, 0, GETVAL), 0);
    done();
}
