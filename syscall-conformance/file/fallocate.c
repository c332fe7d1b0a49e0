/* fallocate(2): allocates and extends; FALLOC_FL_KEEP_SIZE does not extend; a punched hole reads as
 * zeros; EINVAL, EBADF, ESPIPE, ENODEV. */
#include "tmp.h"

int main(void)
{
    char buf[8192];
    int fd, ro, p[2];

    tmp_enter();
    fd = file_with("f", "abc");
    is_eq(fallocate(fd, 0, 0, 16384), 0);
    is_eq(size_of("f"), 16384);
    is_eq(pread(fd, buf, 8, 0), 8);
    ok(!memcmp(buf, "abc\0\0", 5), "content stays, the rest is zero");
    is_eq(fallocate(fd, FALLOC_FL_KEEP_SIZE, 16384, 16384), 0);
    is_eq(size_of("f"), 16384);
    memset(buf, 'x', sizeof(buf));
    must(pwrite(fd, buf, sizeof(buf), 0));
    is_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    is_eq(pread(fd, buf, sizeof(buf), 0), 8192);
    ok(!buf[0] && !buf[4095] && buf[4096] == 'x', "the hole reads as zeros, what follows stays");
    is_errno(fallocate(fd, 0, -1, 1), EINVAL);
    is_errno(fallocate(fd, 0, 0, 0), EINVAL);
    is_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
    is_errno(fallocate(fd, 0, LONG_MAX, 1), EFBIG);
    ro = (int)must(open("f", O_RDONLY));
    is_errno(fallocate(ro, 0, 0, 1), EBADF);
    must(pipe(p));
    is_errno(fallocate(p[1], 0, 0, 1), ESPIPE);
    is_errno(fallocate((int)must(open(".", O_RDONLY)), 0, 0, 1), EBADF);
    is_errno(fallocate((int)must(open("/dev/null", O_RDWR)), 0, 0, 1), ENODEV);
    done();
}
