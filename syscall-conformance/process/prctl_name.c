/* prctl(2) PR_SET_NAME: the name is cut to 15 bytes, belongs to the thread, and is /proc comm. */
#include "child.h"
#include <pthread.h>
#include <sys/prctl.h>

static char other[16];

static void *thread(void *arg)
{
    prctl(PR_SET_NAME, "second");
    prctl(PR_GET_NAME, other);
    return arg;
}

int main(void)
{
    char name[16], comm[32] = "";
    pthread_t t;

    is_eq(prctl(PR_SET_NAME, "a-name-longer-than-15"), 0);
    is_eq(prctl(PR_GET_NAME, name), 0);
    ok(!strcmp(name, "a-name-longer-t"), "cut: %s", name);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    ok(!strcmp(other, "second"), "the thread's name");
    prctl(PR_GET_NAME, name);
    ok(!strcmp(name, "a-name-longer-t"), "the leader's is unchanged");
    int fd = open("/proc/self/comm", O_RDONLY);
    ok(read(fd, comm, 31) == 16 && !strcmp(comm, "a-name-longer-t\n"), "comm");
    is_errno(prctl(PR_SET_NAME, 8), EFAULT);
    is_errno(prctl(PR_GET_NAME, 8), EFAULT);
    done();
}
