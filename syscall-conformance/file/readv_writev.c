/* readv(2): buffers are processed in array order, each filled before the next; the total is
 * returned, short at the end of file. */
#include "tmp.h"
#include <sys/uio.h>

int main(void)
{
    char a[3] = {0}, b[4] = {0}, c[5] = {0};
    struct iovec out[] = {{"he", 2}, {NULL, 0}, {"llo", 3}, {" you", 4}};
    struct iovec in[] = {{a, 3}, {b, 4}, {c, 5}};
    int fd;

    tmp_enter();
    fd = file_with("f", "");
    is_eq(writev(fd, out, 4), 9);
    ok(content_is("f", "hello you"), "written in order");
    lseek(fd, 0, SEEK_SET);
    is_eq(readv(fd, in, 3), 9);
    ok(!memcmp(a, "hel", 3) && !memcmp(b, "lo y", 4) && !memcmp(c, "ou", 2), "read in order");
    is_eq(readv(fd, in, 3), 0);
    is_eq(preadv(fd, in, 1, 6), 3);
    ok(!memcmp(a, "you", 3), "preadv at 6");
    is_eq(pwritev(fd, out, 1, 0), 2);
    is_eq(lseek(fd, 0, SEEK_CUR), 9);
    is_eq(readv(fd, NULL, 0), 0);
    is_eq(writev(fd, NULL, 0), 0);
    done();
}
