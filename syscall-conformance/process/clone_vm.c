/* clone(2) CLONE_VM: child process and parent run in the same memory, mappings included. */
#include "child.h"
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static char *volatile area;

static int child(void *arg)
{
    (void)arg;
    area = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area[5] = 'q';
    return getpid() == getppid();
}

int main(void)
{
    int status;
    pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

    ok(waitpid(pid, &status, 0) == pid, "reaped");
    is_eq(status, 0);
    is_eq(area[5], 'q');
    done();
}
