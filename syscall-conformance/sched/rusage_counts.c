/* getrusage(2): maxrss grows with memory that is touched, a wait4 gives a child's own usage. */
#include "../process/child.h"
#include <sys/resource.h>

static void touch_memory(void)
{
    size_t len = 32 << 20;
    volatile char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; i < len; i += 4096)
        p[i] = 1;
}

int main(void)
{
    struct rusage r, c;
    int status;

    is_eq(getrusage(RUSAGE_SELF, &r), 0);
    ok(r.ru_maxrss > 100 && r.ru_maxrss < 10000000, "in KiB");
    ok(r.ru_utime.tv_usec >= 0 && r.ru_utime.tv_usec < 1000000, "microseconds");
    is_eq(getrusage(RUSAGE_CHILDREN, &c), 0);
    is_eq(c.ru_utime.tv_sec + c.ru_utime.tv_usec + c.ru_maxrss, 0);
    pid_t pid = fork();
    if (pid == 0) {
        touch_memory();
        _exit(0);
    }
    is_eq(wait4(pid, &status, 0, &c) == pid, 1);
    is_eq(status, 0);
    ok(c.ru_maxrss >= 32 << 10, "the child's peak");
    getrusage(RUSAGE_CHILDREN, &c);
    ok(c.ru_maxrss >= 32 << 10, "the largest child's");
    touch_memory();
    getrusage(RUSAGE_SELF, &r);
    ok(r.ru_maxrss >= 32 << 10, "our own peak");
    done();
}
