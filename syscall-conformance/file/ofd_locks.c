/* fcntl(2): open file description locks conflict between descriptions of one process, go with
 * dup(), and require l_pid to be 0. */
#include "tmp.h"

int main(void)
{
    struct flock w = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 4};
    struct flock pid = w, get = w;
    int a, b, c;

    tmp_enter();
    a = file_with("f", "abcd");
    b = (int)must(open("f", O_RDWR));
    c = (int)must(dup(a));
    is_eq(fcntl(a, F_OFD_SETLK, &w), 0);
    is_errno(fcntl(b, F_OFD_SETLK, &w), EAGAIN);
    is_eq(fcntl(c, F_OFD_SETLK, &w), 0);
    is_errno(fcntl(b, F_SETLK, &w), EAGAIN);
    is_eq(fcntl(b, F_OFD_GETLK, &get), 0);
    is_eq(get.l_type, F_WRLCK);
    is_eq(get.l_pid, -1);
    pid.l_pid = 1;
    is_errno(fcntl(b, F_OFD_SETLK, &pid), EINVAL);
    close(open("f", O_RDONLY));
    is_errno(fcntl(b, F_OFD_SETLK, &w), EAGAIN);
    close(a);
    is_errno(fcntl(b, F_OFD_SETLK, &w), EAGAIN);
    close(c);
    is_eq(fcntl(b, F_OFD_SETLK, &w), 0);
    done();
}
