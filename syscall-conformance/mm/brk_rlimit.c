/* getrlimit(2) RLIMIT_DATA: brk and private writable mappings beyond the limit fail with ENOMEM. */
#include "../process/child.h"
#include <sys/resource.h>

static void child(void)
{
    struct rlimit lim = {8 << 20, 8 << 20};

    check(setrlimit(RLIMIT_DATA, &lim) == 0, 1);
    check(sbrk(64 << 20) == (void *)-1 && errno == ENOMEM, 2);
    check(sbrk(1 << 20) != (void *)-1, 3);
    check(mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
              MAP_FAILED,
          4);
    check(errno == ENOMEM, 5);
    check(mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, 6);
}

int main(void)
{
    is_eq(in_child(child), 0);
    done();
}
