/* fsync(2) EROFS, EINVAL: fd is bound to a special file which does not support synchronization;
 * sync_file_range(2) EINVAL: flags or offset are wrong. */
#include "tmp.h"

int main(void)
{
    int fd, p[2];

    tmp_enter();
    fd = file_with("f", "x");
    must(pipe(p));
    is_eq(fsync(fd), 0);
    is_eq(fdatasync(fd), 0);
    is_eq(fsync((int)must(open(".", O_RDONLY))), 0);
    is_eq(fsync((int)must(open("f", O_RDONLY))), 0);
    is_errno(fsync(p[1]), EINVAL);
    is_errno(fdatasync(p[0]), EINVAL);
    is_eq(syncfs(fd), 0);
    is_errno(syncfs(-1), EBADF);
    is_eq(sync_file_range(fd, 0, 0, 0), 0);
    is_errno(sync_file_range(fd, -1, 0, 0), EINVAL);
    is_errno(sync_file_range(fd, 0, 0, 64), EINVAL);
    is_errno(sync_file_range(p[0], 0, 1, 0), ESPIPE);
    done();
}
