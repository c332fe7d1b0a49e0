/* posix_fadvise(2) returns the error: EINVAL for an invalid advice, ESPIPE for a pipe, EBADF;
 * readahead(2) EINVAL for what it cannot be applied to. */
#include "tmp.h"

int main(void)
{
    int fd, p[2];

    tmp_enter();
    fd = file_with("f", "x");
    must(pipe(p));
    is_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    is_eq(posix_fadvise(fd, 0, 100, POSIX_FADV_DONTNEED), 0);
    is_eq(posix_fadvise(fd, 0, 0, 99), EINVAL);
    is_eq(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL), EINVAL);
    is_eq(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
    is_eq(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF);
    is_eq(readahead(fd, 0, 4096), 0);
    is_errno(readahead(p[0], 0, 4096), EINVAL);
    is_errno(readahead((int)must(open("f", O_WRONLY)), 0, 1), EBADF);
    done();
}
