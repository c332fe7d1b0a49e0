/* dup(2): the old and new descriptors share file offset and status flags, not the close-on-exec
 * flag; separate opens share neither. */
#include "tmp.h"

int main(void)
{
    char c;
    int a, b, other;

    tmp_enter();
    a = file_with("f", "abcdef");
    ok((b = dup(a)) >= 0, "dup");
    ok((other = open("f", O_RDONLY)) >= 0, "opens again");
    must(lseek(a, 3, SEEK_SET));
    is_eq(lseek(b, 0, SEEK_CUR), 3);
    is_eq(lseek(other, 0, SEEK_CUR), 0);
    is_eq(read(b, &c, 1), 1);
    is_eq(lseek(a, 0, SEEK_CUR), 4);
    is_eq(fcntl(a, F_SETFL, O_APPEND | O_NONBLOCK), 0);
    is_eq(fcntl(b, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
    is_eq(fcntl(other, F_GETFL) & (O_APPEND | O_NONBLOCK), 0);
    is_eq(fcntl(a, F_SETFD, FD_CLOEXEC), 0);
    is_eq(fcntl(b, F_GETFD), 0);
    is_eq(close(a), 0);
    is_eq(read(b, &c, 1), 1);
    is_errno(dup(-1), EBADF);
    is_errno(dup(a), EBADF);
    done();
}
