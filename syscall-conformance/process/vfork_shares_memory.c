/* clone(2) CLONE_VFORK|CLONE_VM: the parent sleeps until the child exits, and sees its stores. */
#include "child.h"
#include <sched.h>

static volatile int seen;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *arg)
{
    (void)arg;
    nap_ms(30);
    seen = 33;
    return 8;
}

int main(void)
{
    int status;
    pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

    is_eq(seen, 33);
    ok(waitpid(pid, &status, 0) == pid, "reaped");
    ok(exited_with(status, 8), "status");
    done();
}
