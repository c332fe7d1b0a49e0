/* bind(2): a path name makes an inode of type socket, with the umask; it stays after close and is
 * EADDRINUSE until unlinked; bad lengths and families are EINVAL, EAFNOSUPPORT. */
#include "unix.h"

int main(void)
{
    struct sockaddr_un a;
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);

    enter_scratch();
    umask(027);
    socklen_t len = make_addr(&a, "name");
    is_errno(bind(fd, (void *)&a, 1), EINVAL);
    is_errno(bind(fd, (void *)&a, sizeof(a) + 1), EINVAL);
    is_errno(bind(fd, BAD_PTR, len), EFAULT);
    a.sun_family = AF_INET;
    is_errno(bind(fd, (void *)&a, len), EINVAL);
    a.sun_family = AF_UNIX;
    is_eq(bind(fd, (void *)&a, len), 0);
    ok(stat("name", &st) == 0 && st.st_mode == (S_IFSOCK | 0750), "a socket inode, umask applied");
    is_errno(open("name", O_RDWR), ENXIO);
    is_errno(bind_to(other, "name"), EADDRINUSE);
    put_file("file", "", 0, 0600);
    is_errno(bind_to(other, "file"), EADDRINUSE);
    is_errno(bind_to(other, "none/x"), ENOENT);
    is_errno(bind_to(other, "file/x"), ENOTDIR);
    close(fd);
    ok(stat("name", &st) == 0, "the name stays after close");
    is_errno(bind_to(other, "name"), EADDRINUSE);
    is_eq(rename("name", "moved"), 0);
    is_eq(bind_to(other, "name"), 0);
    int c = socket(AF_UNIX, SOCK_DGRAM, 0);
    is_errno(connect_to(c, "moved"), ECONNREFUSED);
    is_eq(link("name", "hard"), 0);
    is_eq(symlink("name", "soft"), 0);
    is_eq(connect_to(c, "hard"), 0);
    is_eq(connect_to(c, "soft"), 0);
    is_errno(bind_to(socket(AF_UNIX, SOCK_DGRAM, 0), "soft"), EADDRINUSE);
    is_eq(unlink("name"), 0);
    is_eq(send(c, "x", 1, 0), 1); /* connected, the name is not needed */

    /* All 108 bytes may be used, without a terminating zero. */
    memset(&a, 0, sizeof(a));
    a.sun_family = AF_UNIX;
    memset(a.sun_path, 'p', sizeof(a.sun_path));
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    is_eq(bind(fd, (void *)&a, sizeof(a)), 0);
    char long_name[109];
    memset(long_name, 'p', 108);
    long_name[108] = 0;
    ok(stat(long_name, &st) == 0, "108 characters");
    char back[200];
    len = sizeof(back);
    is_eq(getsockname(fd, (void *)back, &len), 0);
    is_eq(len, sizeof(a) + 1);
    done();
}
