/* A tracer is a thread: others of its process may wait, but not trace; __WNOTHREAD does not even.
 */
#include "trace.h"
#include <pthread.h>

static pid_t pid;

static void child(void)
{
    _exit(3);
}

static void *other(void *arg)
{
    int status;

    if (tr(PTRACE_CONT, pid, 0, 0) != -1 || errno != ESRCH)
        return "traced by another thread";
    kill(pid, SIGSTOP);
    if (waitpid(pid, &status, WNOHANG | __WALL | __WNOTHREAD) != -1 || errno != ECHILD)
        return "__WNOTHREAD";
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *r;

    pid = traced(child, 0);
    pthread_create(&thread, NULL, other, NULL);
    pthread_join(thread, &r);
    ok(!r, "threads do not share tracees");
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGSTOP), "ours");
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 3), "to the end");
    done();
}
