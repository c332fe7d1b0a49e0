/* lseek(2): SEEK_SET, SEEK_CUR, SEEK_END; beyond the end is allowed, before the start is EINVAL and
 * leaves the offset; reading beyond the end gives 0. */
#include "tmp.h"

int main(void)
{
    char buf[8];
    int fd, p[2];

    tmp_enter();
    fd = file_with("f", "0123456789");
    is_eq(lseek(fd, 4, SEEK_SET), 4);
    is_eq(lseek(fd, -3, SEEK_CUR), 1);
    is_eq(lseek(fd, -2, SEEK_END), 8);
    is_errno(lseek(fd, -1, SEEK_SET), EINVAL);
    is_errno(lseek(fd, -9, SEEK_CUR), EINVAL);
    is_errno(lseek(fd, -11, SEEK_END), EINVAL);
    is_errno(lseek(fd, 0, 17), EINVAL);
    is_eq(lseek(fd, 0, SEEK_CUR), 8);
    is_eq(lseek(fd, 1000, SEEK_SET), 1000);
    is_eq(read(fd, buf, 8), 0);
    is_eq(size_of("f"), 10);
    is_errno(lseek(fd, LONG_MAX, SEEK_CUR), EINVAL);
    is_eq(write(fd, "x", 1), 1);
    is_eq(size_of("f"), 1001);
    is_eq(pread(fd, buf, 2, 500), 2);
    ok(!buf[0] && !buf[1], "the gap reads as zeros");
    must(pipe(p));
    is_errno(lseek(p[0], 0, SEEK_CUR), ESPIPE);
    is_errno(lseek(p[1], 0, 17), EINVAL);
    is_errno(lseek(-1, 0, SEEK_SET), EBADF);
    done();
}
