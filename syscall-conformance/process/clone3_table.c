/* clone3(2): sizes, stacks, exit signals, chosen numbers and control groups that are not valid. */
#include "../rows.h"
#include <sched.h>

static unsigned long k[16];

static const char *made(size_t size)
{
    long r = syscall(SYS_clone3, k, size);

    if (!r)
        _exit(0);
    if (r > 0)
        waitpid((pid_t)r, NULL, __WALL);
    return r > 0 ? "ok" : err_name(errno);
}

static void with(const char *what, int at, unsigned long v, int at2, unsigned long v2)
{
    memset(k, 0, sizeof(k));
    k[4] = SIGCHLD;
    k[at] = v;
    k[at2] = v2;
    row_add("%s: %s", what, made(88));
    row_end();
}

int main(void)
{
    static pid_t tids[40];
    unsigned long t = (unsigned long)tids;
    int null = open("/dev/null", O_RDONLY);

    for (int s = 33; s <= 64; s++)
        signal(s, SIG_IGN);
    for (size_t size = 56; size <= 128; size += 8) {
        memset(k, 0, sizeof(k));
        k[4] = SIGCHLD;
        row_add(" %s", made(size));
    }
    row_end();
    with("unknown bytes", 11, 1, 11, 1);
    with("no signal", 4, 0, 4, 0);
    with("the last signal", 4, 64, 4, 64);
    with("one more", 4, 65, 4, 65);
    with("a signal among the flags", 0, SIGCHLD, 0, SIGCHLD);
    with("no size of the stack", 5, 4096, 5, 4096);
    with("no stack", 6, 4096, 6, 4096);
    with("a stack in the kernel", 5, -4096UL, 6, 8192);
    with("numbers, and no count", 8, t, 8, t);
    with("a count and no numbers", 9, 1, 9, 1);
    with("too many numbers", 8, t, 9, 33);
    with("more than namespaces", 8, t, 9, 2);
    with("0 is no number", 8, t, 9, 1);
    tids[0] = -1;
    with("-1 is none", 8, t, 9, 1);
    tids[0] = 0x7fffffff;
    with("nor is the highest", 8, t, 9, 1);
    with("they cannot be read", 8, 8, 9, 1);
    with("a control group without the flag", 10, 77, 10, 77);
    with("no descriptor", 0, 0x200000000UL, 10, -1UL);
    with("one that is not open", 0, 0x200000000UL, 10, 999);
    with("not a control group", 0, 0x200000000UL, 10, (unsigned long)null);
    with("handlers cleared", 0, 0x100000000UL, 0, 0x100000000UL);
    with("handlers cleared and shared", 0, 0x100000000UL | CLONE_SIGHAND | CLONE_VM, 0,
         0x100000000UL | CLONE_SIGHAND | CLONE_VM);
    with("unknown flags", 0, 1UL << 40, 0, 1UL << 40);
    done();
}
