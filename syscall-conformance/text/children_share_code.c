/* Children of fork have code of their own, those of vfork their parent's, both run right. */
#include "text.h"
#include <sched.h>

static unsigned char *code[2];

static int calls(int add)
{
    return wrong(code[0], SYS_getpid, WARM, getpid() + add) +
           wrong(code[1], SYS_getpid, WARM, getpid() + add);
}

static int status_of(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int rewrite(int add)
{
    int bad = 0;

    for (int i = 0; i < 2; i++) {
        bad += mprotect(code[i], 4096, PROT_READ | PROT_WRITE) != 0;
        put_code(code[i], i ? FRONT : BACK, SYS_getpid, add);
        bad += mprotect(code[i], 4096, PROT_READ | PROT_EXEC) != 0;
    }
    return bad;
}

static int vfork_child(void *arg)
{
    return calls(0) != 0;
}

/* As vfork(2): what the child's calls do to the code is done to the parent's. */
static int status_of_vfork(void)
{
    static char stack[65536] __attribute__((aligned(16)));

    return status_of(
        clone(vfork_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
}

static int by_vfork(int warm_before)
{
    return (warm_before ? calls(0) : 0) + status_of_vfork() + calls(0);
}

static int by_fork(int warm_before)
{
    int bad = warm_before ? calls(0) : 0;
    pid_t pid = fork();

    if (!pid)
        _exit(calls(0) + rewrite(7) + calls(7) != 0);
    return bad + status_of(pid) + calls(0);
}

int main(void)
{
    enter_scratch();
    int fd[2] = {code_file("f", FRONT, SYS_getpid, 0), code_file("b", BACK, SYS_getpid, 0)};
    for (int warm = 0; warm < 2; warm++)
        for (int kind = 0; kind < 2; kind++) {
            code[0] = map_code(fd[0], NULL, PROT_READ | PROT_EXEC);
            code[1] = map_code(fd[1], NULL, PROT_READ | PROT_EXEC);
            if (kind)
                is_eq(by_vfork(warm), 0);
            else
                is_eq(by_fork(warm), 0);
            munmap(code[0], 4096);
            munmap(code[1], 4096);
        }
    done();
}
