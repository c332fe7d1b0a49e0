/* fcntl(2): F_SETLK fails with EAGAIN when another process holds a conflicting record lock, F_GETLK
 * describes it; closing any descriptor of the file drops the process's locks. */
#include "tmp.h"

static struct flock range(short type, off_t start, off_t len)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static int others(void)
{
    struct flock w = range(F_WRLCK, 0, 10), r = range(F_RDLCK, 5, 1), free = range(F_WRLCK, 10, 5);
    struct flock get = range(F_WRLCK, 0, 0);
    int fd = open("f", O_RDWR);

    return errno_of(fcntl(fd, F_SETLK, &w)) != EAGAIN                    ? 1
           : errno_of(fcntl(fd, F_SETLK, &r)) != EAGAIN                  ? 2
           : fcntl(fd, F_SETLK, &free)                                   ? 3
           : fcntl(fd, F_GETLK, &get)                                    ? 4
           : get.l_type != F_WRLCK || get.l_start != 2 || get.l_len != 8 ? 5
           : get.l_pid != getppid()                                      ? 6
                                                                         : 0;
}

static int nobody_holds(void)
{
    struct flock get = range(F_WRLCK, 0, 0);
    int fd = open("f", O_RDWR);

    return fcntl(fd, F_GETLK, &get) || get.l_type != F_UNLCK;
}

int main(void)
{
    struct flock w = range(F_WRLCK, 2, 8), bad = range(9, 0, 1);
    int fd;

    tmp_enter();
    fd = file_with("f", "0123456789");
    is_eq(fcntl(fd, F_SETLK, &w), 0);
    is_eq(fcntl(fd, F_SETLK, &w), 0);
    is_eq(in_child(others), 0);
    close(open("f", O_RDONLY));
    is_eq(in_child(nobody_holds), 0);
    is_errno(fcntl(fd, F_SETLK, &bad), EINVAL);
    is_errno(fcntl(fd, F_SETLK, BAD_PTR), EFAULT);
    is_errno(fcntl((int)must(open("f", O_RDONLY)), F_SETLK, &w), EBADF);
    done();
}
