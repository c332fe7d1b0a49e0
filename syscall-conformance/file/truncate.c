/* truncate(2): shrinking loses data, extending reads as zeros, the offset stays. Errors: EINVAL for
 * a negative length or a descriptor not open for writing, EISDIR for a directory. */
#include "tmp.h"

int main(void)
{
    char buf[16];
    int fd, p[2];

    tmp_enter();
    fd = file_with("f", "abcdefgh");
    must(lseek(fd, 6, SEEK_SET));
    is_eq(ftruncate(fd, 3), 0);
    is_eq(lseek(fd, 0, SEEK_CUR), 6);
    is_eq(read(fd, buf, 1), 0);
    is_eq(ftruncate(fd, 6), 0);
    is_eq(pread(fd, buf, 16, 0), 6);
    ok(!memcmp(buf, "abc\0\0\0", 6), "the lost bytes read as zeros");
    is_eq(truncate("f", 1), 0);
    is_eq(size_of("f"), 1);
    is_errno(ftruncate(fd, -1), EINVAL);
    is_errno(truncate("f", -1), EINVAL);
    is_errno(truncate(".", 0), EISDIR);
    is_errno(truncate("none", 0), ENOENT);
    is_errno(truncate("f/x", 0), ENOTDIR);
    is_errno(ftruncate(open("f", O_RDONLY), 0), EINVAL);
    is_errno(ftruncate(-1, 0), EBADF);
    must(pipe(p));
    is_errno(ftruncate(p[1], 0), EINVAL);
    done();
}
