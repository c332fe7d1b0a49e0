/* pipe(7): a byte stream in order; reading an empty pipe without writers is end of file, and what
 * makes no sense for a pipe says so (ESPIPE, EBADF, EINVAL). */
#include "../process/child.h"
#include <sys/uio.h>

int main(void)
{
    int p[2];
    char buf[16] = "";

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    is_errno(read(p[0], buf, 1), EAGAIN);
    is_eq(read(p[0], buf, 0), 0);
    is_eq(write(p[1], "hello world", 11), 11);
    is_eq(write(p[1], "", 0), 0);
    is_eq(read(p[0], buf, 5), 5);
    ok(!memcmp(buf, "hello", 5), "the first bytes");
    is_eq(read(p[0], buf, sizeof(buf)), 6);
    ok(!memcmp(buf, " world", 6), "the rest");
    struct iovec iov[3] = {{"a", 1}, {"bc", 2}, {"", 0}};
    is_eq(writev(p[1], iov, 3), 3);
    struct iovec in[2] = {{buf, 2}, {buf + 8, 2}};
    is_eq(readv(p[0], in, 2), 3);
    ok(!memcmp(buf, "ab", 2) && buf[8] == 'c', "scattered");

    is_errno(read(p[1], buf, 1), EBADF);
    is_errno(write(p[0], buf, 1), EBADF);
    is_errno(lseek(p[0], 0, SEEK_CUR), ESPIPE);
    is_errno(pread(p[0], buf, 1, 0), ESPIPE);
    is_errno(pwrite(p[1], buf, 1, 0), ESPIPE);
    is_errno(ftruncate(p[1], 0), EINVAL);
    is_errno(fsync(p[1]), EINVAL);
    is_errno(fallocate(p[1], 0, 0, 1), ESPIPE);
    is_errno(fchdir(p[0]), ENOTDIR);
    ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, p[0], 0) == MAP_FAILED && errno == ENODEV,
       "mmap fails with ENODEV");
    is_errno(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE ? (errno = ESPIPE, -1) : 0,
             ESPIPE);
    is_errno(write(p[1], BAD_PTR, 4), EFAULT);
    is_eq(write(p[1], "xy", 2), 2);
    is_errno(read(p[0], BAD_PTR, 2), EFAULT);
    is_eq(read(p[0], buf, 2), 2);
    ok(!memcmp(buf, "xy", 2), "a faulting read consumes nothing");

    is_eq(write(p[1], "end", 3), 3);
    close(p[1]);
    is_eq(read(p[0], buf, 16), 3);
    is_eq(read(p[0], buf, 16), 0);
    is_eq(read(p[0], buf, 16), 0);
    done();
}
