/* proc(5): /proc/self/task has one directory per thread; /proc/thread-self is the caller's. */
#include "child.h"
#include <dirent.h>
#include <pthread.h>

static char self_link[64];

static int entries(void)
{
    DIR *dir = opendir("/proc/self/task");
    int n = 0;

    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void *thread(void *arg)
{
    char want[64];

    check(readlink("/proc/thread-self", self_link, sizeof(self_link) - 1) > 0, 1);
    snprintf(want, sizeof(want), "%d/task/%d", getpid(), gettid());
    *(int *)arg = strcmp(want, self_link) == 0 ? entries() : -1;
    return NULL;
}

int main(void)
{
    pthread_t t;
    int seen = 0;

    is_eq(entries(), 1);
    pthread_create(&t, NULL, thread, &seen);
    pthread_join(t, NULL);
    is_eq(seen, 2);
    done();
}
