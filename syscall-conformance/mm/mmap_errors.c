/* mmap(2): EINVAL for length 0, unaligned offset or address, bad flags; EBADF without a file. */
#include "../process/child.h"

static long map(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    return syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;

    is_errno(map(NULL, 0, rw, anon, -1, 0), EINVAL);
    is_errno(map(NULL, 4096, rw, MAP_ANONYMOUS, -1, 0), EINVAL);
    is_errno(map(NULL, 4096, rw, anon, -1, 1), EINVAL);
    is_errno(map((void *)0x10000001, 4096, rw, anon | MAP_FIXED, -1, 0), EINVAL);
    is_errno(map(NULL, 4096, rw, MAP_PRIVATE, -1, 0), EBADF);
    is_errno(map(NULL, 4096, rw, MAP_PRIVATE, 999, 0), EBADF);
    is_errno(map(NULL, -4096UL, rw, anon, -1, 0), ENOMEM);
    is_errno(map(NULL, -1UL, rw, anon, -1, 0), ENOMEM);
    is_errno(map(NULL, 1UL << 47, rw, anon, -1, 0), ENOMEM);
    is_errno(map((void *)0x7ffffffff000, 8192, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
    ok(map((void *)0x10000001, 4096, rw, anon, -1, 0) % 4096 == 0, "a hint is rounded");
    done();
}
