/* cachestat(2) counts the pages of a range of a file that are in memory. */
#include "../tap.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct range {
    uint64_t off, len;
};
struct counts {
    uint64_t cached, dirty, writeback, evicted, recent;
};

static long ask(int fd, uint64_t off, uint64_t len)
{
    struct range r = {off, len};
    struct counts c = {99, 99, 99, 99, 99};

    if (syscall(SYS_cachestat, fd, &r, &c, 0))
        return -errno;
    return c.dirty || c.writeback ? -1000 : (long)c.cached;
}

int main(void)
{
    static char buf[80 * 4096] = "x";
    int fd = memfd_create("x", 0), p[2];
    struct range r = {0, 0};
    struct counts c;

    ask(fd, 0, 0);
    if (errno == ENOSYS) {
        skip("no cachestat");
        done();
    }
    is_eq(ask(fd, 0, 0), 0);
    is_eq(pwrite(fd, buf, 10000, 0), 10000);
    is_eq(ask(fd, 0, 0), 3);
    is_eq(ask(fd, 4096, 0), 2);
    is_eq(ask(fd, 0, 1), 1);
    is_eq(ask(fd, 4095, 2), 2);
    is_eq(ask(fd, 1, UINT64_MAX), 3);
    is_eq(ask(fd, 5, UINT64_MAX), 1); /* goes round */
    is_eq(ask(fd, 4096, UINT64_MAX), 0);
    is_eq(ask(fd, 1 << 20, 0), 0);
    is_eq(ask(fd, UINT64_MAX, 1), 0);
    is_eq(ask(fd, 1UL << 63, 4096), 0);
    is_eq(pwrite(fd, buf, sizeof(buf), 100 * 4096), sizeof(buf));
    is_eq(ask(fd, 0, 0), 83);
    is_eq(ask(fd, 4096, 150 * 4096), 2 + 51);
    is_eq(ask(fd, 10 * 4096, 20 * 4096), 0);
    char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[20 * 4096] = 1;
    is_eq(ask(fd, 0, 0), 84);
    is_eq(ask(fd, 10 * 4096, 20 * 4096), 1);
    is_eq(ftruncate(fd, 4096), 0);
    is_eq(ask(fd, 0, 0), 1);

    is_errno(syscall(SYS_cachestat, fd, &r, &c, 1), EINVAL);
    is_errno(syscall(SYS_cachestat, fd, 8, &c, 1), EFAULT);
    is_errno(syscall(SYS_cachestat, fd, &r, 8, 0), EFAULT);
    is_errno(syscall(SYS_cachestat, -1, 8, &c, 1), EBADF);
    is_errno(syscall(SYS_cachestat, open("/", O_PATH), &r, &c, 0), EBADF);
    is_eq(pipe(p), 0);
    is_eq(ask(p[0], 0, 0), 0);
    is_eq(ask(open("/dev/null", O_RDONLY), 0, 0), 0);
    if (!geteuid() && !setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000)) {
        is_eq(ask(fd, 0, 0), 1); /* it may be written to */
        is_eq(ask(open("/", O_RDONLY), 0, 0), -EPERM);
    }
    done();
}
