/* getrusage(2): ru_maxrss is the most that was ever resident: what is only mapped does not count,
 * and what was given back still does. wait4(2) tells it of children. */
#include "child.h"
#include <sys/resource.h>

#define MIB (1L << 20)

static long peak(void)
{
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    return ru.ru_maxrss / 1024;
}

static char *map(long mib)
{
    return mmap(NULL, (size_t)(mib * MIB), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0);
}

int main(void)
{
    struct rusage ru;
    int status;

    long before = peak();
    char *big = map(900);
    nap_ms(100);
    ok(peak() < before + 100, "mapped only");
    char *p = map(64);
    memset(p, 1, 64 * MIB);
    nap_ms(100); /* what it was may be told for a while */
    long most = peak();
    ok(most >= 64 && most < before + 200, "touched");
    munmap(p, 64 * MIB);
    munmap(big, 900 * MIB);
    nap_ms(100);
    ok(peak() >= most, "given back");
    pid_t pid = fork();
    if (pid == 0) {
        memset(map(96), 1, 96 * MIB);
        _exit(0);
    }
    is_eq(wait4(pid, &status, 0, &ru) == pid, 1);
    ok(ru.ru_maxrss / 1024 >= 96 && ru.ru_maxrss / 1024 < 400, "a child's");
    getrusage(RUSAGE_CHILDREN, &ru);
    ok(ru.ru_maxrss / 1024 >= 96 && ru.ru_maxrss / 1024 < 400, "the largest of them");
    getrusage(RUSAGE_THREAD, &ru);
    ok(ru.ru_maxrss / 1024 >= most, "of a thread: its process's");
    done();
}
