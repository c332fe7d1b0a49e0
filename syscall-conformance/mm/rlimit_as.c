/* getrlimit(2) RLIMIT_AS: mmap, mremap and brk beyond the limit fail with ENOMEM. */
#include "../process/child.h"
#include <sys/resource.h>

static void child(void)
{
    struct rlimit lim = {64 << 20, 64 << 20};
    int anon = MAP_PRIVATE | MAP_ANONYMOUS;

    check(setrlimit(RLIMIT_AS, &lim) == 0, 1);
    check(mmap(NULL, 128 << 20, PROT_NONE, anon, -1, 0) == MAP_FAILED && errno == ENOMEM, 2);
    char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, anon, -1, 0);
    check(p != MAP_FAILED, 3);
    check(mremap(p, 4 << 20, 100 << 20, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM, 4);
    check(sbrk(100 << 20) == (void *)-1 && errno == ENOMEM, 5);
    check(munmap(p, 4 << 20) == 0, 6);
    lim.rlim_cur = 0;
    check(setrlimit(RLIMIT_AS, &lim) == 0, 7);
    check(mmap(NULL, 4096, PROT_NONE, anon, -1, 0) == MAP_FAILED && errno == ENOMEM, 8);
}

int main(void)
{
    is_eq(in_child(child), 0);
    done();
}
