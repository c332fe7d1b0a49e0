/* sendfile(2): from a file to any descriptor, at the file's own offset or at one given, which is
 * then advanced instead. */
#include "../process/child.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

int main(void)
{
    char buf[64] = "";
    static char big[100000];
    int p[2], s[2];
    off_t off = 2;

    enter_scratch();
    put_file("in", "0123456789", 10, 0600);
    int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0600);
    if (pipe2(p, O_NONBLOCK) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    is_eq(sendfile(out, in, NULL, 3), 3);
    is_eq(lseek(in, 0, SEEK_CUR), 3);
    is_eq(lseek(out, 0, SEEK_CUR), 3);
    is_eq(sendfile(p[1], in, &off, 4), 4);
    is_eq(off, 6);
    is_eq(lseek(in, 0, SEEK_CUR), 3);
    is_eq(read(p[0], buf, 64), 4);
    ok(!memcmp(buf, "2345", 4), "from the offset");
    is_eq(sendfile(s[1], in, NULL, 100), 7);
    is_eq(read(s[0], buf, 64), 7);
    ok(!memcmp(buf, "3456789", 7), "up to the end");
    is_eq(sendfile(out, in, NULL, 100), 0);
    is_eq(sendfile(out, in, &off, 0), 0);

    put_file("big", big, sizeof(big), 0600);
    int bfd = open("big", O_RDONLY);
    is_eq(sendfile(p[1], bfd, NULL, sizeof(big)), 65536);
    is_eq(lseek(bfd, 0, SEEK_CUR), 65536);
    is_errno(sendfile(p[1], bfd, NULL, 1), EAGAIN);

    is_errno(sendfile(out, 99, NULL, 1), EBADF);
    is_errno(sendfile(99, in, NULL, 1), EBADF);
    is_errno(sendfile(in, in, NULL, 1), EBADF);
    int wo = open("in", O_WRONLY);
    is_errno(sendfile(out, wo, NULL, 1), EBADF);
    is_errno(sendfile(out, in, BAD_PTR, 1), EFAULT);
    off = -1;
    is_errno(sendfile(out, in, &off, 1), EINVAL);
    off = 0;
    is_errno(sendfile(out, s[0], &off, 1), ESPIPE);
    int append = open("out", O_WRONLY | O_APPEND);
    is_errno(sendfile(append, in, &off, 1), EINVAL);
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    is_errno(sendfile(p[1], in, &off, 1), EPIPE);
    done();
}
