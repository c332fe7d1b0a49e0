/* pread(2): reads or writes at offset; the file offset is not changed. */
#include "tmp.h"

int main(void)
{
    char buf[8] = {0};
    int fd, p[2];

    tmp_enter();
    fd = file_with("f", "abcdef");
    is_eq(pread(fd, buf, 3, 2), 3);
    ok(!memcmp(buf, "cde", 3), "reads at 2");
    is_eq(pwrite(fd, "XY", 2, 1), 2);
    is_eq(lseek(fd, 0, SEEK_CUR), 0);
    ok(content_is("f", "aXYdef"), "writes at 1");
    is_eq(pread(fd, buf, 8, 4), 2);
    is_eq(pread(fd, buf, 8, 6), 0);
    is_eq(pread(fd, buf, 8, 1000), 0);
    is_errno(pread(fd, buf, 1, -1), EINVAL);
    is_errno(pwrite(fd, buf, 1, -1), EINVAL);
    is_eq(pwrite(fd, "z", 1, 8), 1);
    is_eq(size_of("f"), 9);
    must(pipe(p));
    is_errno(pread(p[0], buf, 1, 0), ESPIPE);
    is_errno(pwrite(p[1], buf, 1, 0), ESPIPE);
    is_errno(pread(fd, BAD_PTR, 1, 0), EFAULT);
    is_eq(pwrite(fd, BAD_PTR, 0, 0), 0);
    done();
}
