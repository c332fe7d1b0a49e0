/* See net_ahead.h. */
#include "runsc-cli/net_ahead.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "runsc-cli/spawn.h"

static pthread_t maker;
static bool is_made;
static int made; /* the thread's until it is joined */

/* The gofer is forked meanwhile: no lock of the C library is taken here that it could need. */
static void *make(void *arg)
{
    made = unshare(CLONE_NEWNET) ? -1 : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return NULL;
}

void net_ahead_begin(void)
{
    pthread_attr_t attr;

    /* An ordinary user's belongs to the user namespace of its sandbox. */
    if (is_made || !spawn_is_privileged() || pthread_attr_init(&attr))
        return;
    pthread_attr_setstacksize(&attr, 65536);
    is_made = !pthread_create(&maker, &attr, make, NULL);
    pthread_attr_destroy(&attr);
}

static void finish(void)
{
    pthread_join(maker, NULL);
    is_made = false;
}

void net_ahead_drop(void)
{
    if (!is_made)
        return;
    finish();
    if (made >= 0)
        close(made);
}

int net_ahead_enter(void)
{
    if (!is_made)
        return -1;
    finish();
    int back = made < 0 ? -1 : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (back >= 0 && setns(made, CLONE_NEWNET)) {
        close(back);
        back = -1;
    }
    if (made >= 0)
        close(made);
    return back;
}

/* What else this process does with networks, it does to those of the host. */
void net_ahead_leave(int back)
{
    if (setns(back, CLONE_NEWNET))
        abort(); /* it is ours, and we are privileged */
    close(back);
}
