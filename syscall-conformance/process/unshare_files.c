/* unshare(2) CLONE_FILES: a thread gets its own descriptor table; unknown flags give EINVAL. */
#include "child.h"
#include <pthread.h>
#include <sched.h>

static void *thread(void *arg)
{
    int *fd = arg;

    check(unshare(CLONE_FILES) == 0, 1);
    close(*fd);
    check(fcntl(*fd, F_GETFD) == -1, 2);
    return NULL;
}

int main(void)
{
    int fd = dup(1);
    pthread_t t;

    is_errno(unshare(0x1), EINVAL);
    is_eq(unshare(0), 0);
    pthread_create(&t, NULL, thread, &fd);
    pthread_join(t, NULL);
    is_eq(fcntl(fd, F_GETFD), 0);
    is_eq(unshare(CLONE_FS), 0);
    done();
}
