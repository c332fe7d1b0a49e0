/* splice(2): moves bytes between a pipe and a file, or two pipes; offsets are for what can seek. */
#include "../process/child.h"

static int p[2], q[2];

int main(void)
{
    char buf[64] = "";
    loff_t off, off2;

    enter_scratch();
    put_file("in", "0123456789", 10, 0600);
    int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0600);
    if (pipe2(p, O_NONBLOCK) < 0 || pipe2(q, O_NONBLOCK) < 0)
        return 1;
    is_eq(splice(in, NULL, p[1], NULL, 4, 0), 4);
    is_eq(lseek(in, 0, SEEK_CUR), 4);
    off = 8;
    is_eq(splice(in, &off, p[1], NULL, 100, 0), 2);
    is_eq(off, 10);
    is_eq(lseek(in, 0, SEEK_CUR), 4);
    is_eq(splice(in, &off, p[1], NULL, 100, 0), 0);
    is_eq(splice(p[0], NULL, q[1], NULL, 5, 0), 5);
    is_eq(read(q[0], buf, 64), 5);
    ok(!memcmp(buf, "01238", 5), "pipe to pipe");
    off2 = 3;
    is_eq(splice(p[0], NULL, out, &off2, 10, 0), 1);
    is_eq(off2, 4);
    is_eq(lseek(out, 0, SEEK_CUR), 0);
    is_eq(pread(out, buf, 64, 0), 4);
    ok(!memcmp(buf, "\0\0\0009", 4), "written at the offset");
    is_errno(splice(p[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    is_errno(splice(p[0], NULL, q[1], NULL, 10, 0), EAGAIN);
    is_eq(splice(p[0], NULL, out, NULL, 0, 0), 0);

    is_errno(splice(in, NULL, out, NULL, 1, 0), EINVAL);
    off = 0;
    is_errno(splice(p[0], &off, out, NULL, 1, 0), ESPIPE);
    is_errno(splice(in, NULL, p[1], &off, 1, 0), ESPIPE);
    is_errno(splice(in, NULL, p[0], NULL, 1, 0), EBADF);
    is_errno(splice(p[1], NULL, out, NULL, 1, 0), EBADF);
    is_errno(splice(99, NULL, p[1], NULL, 1, 0), EBADF);
    is_errno(splice(in, NULL, p[1], NULL, 1, 0x100), EINVAL);
    is_errno(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
    is_errno(splice(in, BAD_PTR, p[1], NULL, 1, 0), EFAULT);
    int append = open("out", O_WRONLY | O_APPEND);
    is_eq(write(p[1], "x", 1), 1);
    is_errno(splice(p[0], NULL, append, NULL, 1, 0), EINVAL);
    is_eq(read(p[0], buf, 2), 1);
    close(p[1]);
    is_eq(splice(p[0], NULL, out, NULL, 10, 0), 0);
    done();
}
