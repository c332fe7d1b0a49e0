/* execve(2) leaves the old memory: the word of CLONE_CHILD_CLEARTID is zeroed as at exit. */
#include "exec.h"
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int ctid = 1;

static int child(void *arg)
{
    char *args[] = {"x", "role", NULL};

    (void)arg;
    execv("/proc/self/exe", args);
    return 127;
}

int main(int argc, char **argv)
{
    int status;

    (void)argv;
    if (argc == 2)
        return 90;
    pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
                      NULL, NULL, &ctid);
    waitpid(pid, &status, 0);
    ok(exited_with(status, 90), "executed");
    is_eq(ctid, 0);
    done();
}
