/* preadv2(2): an offset of -1 uses and updates the file offset; unknown flags are EOPNOTSUPP;
 * RWF_APPEND appends. */
#include "tmp.h"
#include <sys/uio.h>

int main(void)
{
    char buf[4];
    struct iovec iov = {buf, 2};
    int fd;

    tmp_enter();
    fd = file_with("f", "abcdef");
    is_eq(preadv2(fd, &iov, 1, -1, 0), 2);
    is_eq(lseek(fd, 0, SEEK_CUR), 2);
    is_eq(preadv2(fd, &iov, 1, 4, 0), 2);
    ok(!memcmp(buf, "ef", 2), "reads at 4");
    is_eq(lseek(fd, 0, SEEK_CUR), 2);
    is_errno(preadv2(fd, &iov, 1, -2, 0), EINVAL);
    is_errno(preadv2(fd, &iov, 1, 0, 0x40000000), EOPNOTSUPP);
    is_eq(pwritev2(fd, &iov, 1, 0, RWF_APPEND), 2);
    ok(content_is("f", "abcdefef"), "RWF_APPEND appends");
    is_eq(pwritev2(fd, &iov, 1, -1, RWF_DSYNC), 2);
    is_eq(lseek(fd, 0, SEEK_CUR), 4);
    done();
}
