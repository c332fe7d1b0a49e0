/* mlock(2): ENOMEM for unmapped pages; munlock and mlockall check flags; limits apply to users. */
#include "../process/child.h"
#include <sys/resource.h>

static char *p;

static void unprivileged(void)
{
    struct rlimit lim = {8192, 8192}, none = {0, 0};

    become_nobody();
    check(setrlimit(RLIMIT_MEMLOCK, &lim) == 0, 1);
    check(mlock(p, 4096) == 0, 2);
    check(mlock(p, 3 * 4096) == -1 && errno == ENOMEM, 3);
    check(munlock(p, 4096) == 0, 4);
    check(setrlimit(RLIMIT_MEMLOCK, &none) == 0, 5);
    check(mlock(p, 4096) == -1 && errno == EPERM, 6);
}

int main(void)
{
    p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    is_eq(mlock(p, 4096), 0);
    is_eq(munlock(p, 4096), 0);
    is_eq(in_child(unprivileged), 0);
    munmap(p + 4096, 4096);
    is_errno(mlock(p + 4096, 4096), ENOMEM);
    is_errno(munlock(p + 4096, 4096), ENOMEM);
    is_errno(mlockall(0x80), EINVAL);
    is_errno(mlockall(0), EINVAL);
    is_errno(syscall(SYS_mlock2, p, 4096, 0x10), EINVAL);
    is_eq(munlockall(), 0);
    done();
}
