/* The stack grows on access up to RLIMIT_STACK; beyond that SIGSEGV. */
#include "../process/child.h"
#include <sys/resource.h>

static int depth_wanted;

static int eat(int depth)
{
    char frame[16384];

    /* Compilers keep all of the frame, and make no loop of the recursion. */
    __asm__ volatile("" : : "r"(frame) : "memory");
    frame[0] = frame[16383] = depth;
    if (depth >= depth_wanted)
        return frame[0];
    int deeper = eat(depth + 1);
    __asm__ volatile("" : : "r"(frame) : "memory");
    return deeper + frame[0];
}

static void child(void)
{
    eat(0);
}

static int with_limit(rlim_t limit, int depth)
{
    struct rlimit lim = {limit, limit};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_STACK, &lim);
        depth_wanted = depth;
        child();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    enter_scratch();
    is_eq(with_limit(4 << 20, 200), 0);
    ok(killed_by(with_limit(1 << 20, 200), SIGSEGV), "limit of 1 MiB");
    done();
}
