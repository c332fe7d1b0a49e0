/* io_uring_enter(2): operations that are system calls by another way: splice, tee, ftruncate, bind,
 * listen, accept, connect, extended attributes. They answer as these do, and refuse the fields of
 * an entry that they have no use for. IORING_REGISTER_PROBE tells which operations there are. */
#include "abi.h"
#include <sys/un.h>
#include <sys/xattr.h>

#define N 63
#define SPLICE_FIXED (1U << 31)
static int a[2], b[2], fd;

static struct io_uring_sqe *splice_entry(int op, int in, int64_t off_in, int out, unsigned len)
{
    struct io_uring_sqe *s = sqe_get(op, out, NULL, len, (uint64_t)-1, 1);

    s->splice_fd_in = in;
    s->splice_off_in = (uint64_t)off_in;
    return s;
}

static int spliced(int in, int64_t off_in, int out, unsigned len)
{
    splice_entry(IORING_OP_SPLICE, in, off_in, out, len);
    return ring_result();
}

/* What is in the pipe. */
static int holds(int pipe_fd, const char *want)
{
    char buf[64];
    ssize_t n = read(pipe_fd, buf, sizeof(buf));

    return n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n);
}

static void splices(void)
{
    is_eq(spliced(fd, 3, a[1], 4), 4);
    ok(holds(a[0], "3456"), "from a place in a file");
    must(lseek(fd, 8, SEEK_SET));
    is_eq(spliced(fd, -1, a[1], 100), 2);
    is_eq(spliced(a[0], -1, b[1], 100), 2);
    ok(holds(b[0], "89"), "from where the file is, from pipe to pipe");
    is_eq(spliced(fd, 100, a[1], 4), 0);
    is_eq(spliced(fd, 0, a[1], 0), 0);
    is_eq(spliced(999, -1, a[1], 4), -EBADF);
    is_eq(spliced(fd, 0, fd, 4), -EINVAL);
    is_eq(spliced(a[0], 0, b[1], 4), -ESPIPE);
    splice_entry(IORING_OP_SPLICE, fd, 0, a[1], 4)->splice_flags = 1U << 4;
    is_eq(ring_result(), -EINVAL);
    /* An empty pipe is waited for. */
    splice_entry(IORING_OP_SPLICE, a[0], -1, b[1], 4);
    is_eq(enter(1, 0, 0), 1);
    is_eq(cq_count(), 0);
    must(write(a[1], "late", 4));
    is_eq(cqe_wait().res, 4);
    ok(holds(b[0], "late"), "what came later");
    splice_entry(IORING_OP_SPLICE, a[0], -1, b[1], 4)->splice_flags = SPLICE_F_NONBLOCK;
    is_eq(ring_result(), -EAGAIN);
    must(ring_register(IORING_REGISTER_FILES, &fd, 1));
    splice_entry(IORING_OP_SPLICE, 0, 1, a[1], 2)->splice_flags = SPLICE_FIXED;
    is_eq(ring_result(), 2);
    splice_entry(IORING_OP_SPLICE, 1, 1, a[1], 2)->splice_flags = SPLICE_FIXED;
    is_eq(ring_result(), -EBADF);
}

static struct io_uring_sqe *tee_entry(int in, int out, unsigned len)
{
    struct io_uring_sqe *s = splice_entry(IORING_OP_TEE, in, 0, out, len);

    s->off = 0;
    return s;
}

static void tees(void)
{
    tee_entry(a[0], b[1], 100);
    is_eq(ring_result(), 2);
    ok(holds(a[0], "12") && holds(b[0], "12"), "both pipes have it");
    tee_entry(fd, b[1], 100);
    is_eq(ring_result(), -EINVAL);
    tee_entry(a[0], b[1], 100)->off = 1;
    is_eq(ring_result(), -EINVAL);
    tee_entry(a[0], b[1], 100)->splice_off_in = 1;
    is_eq(ring_result(), -EINVAL);
}

static void truncates(void)
{
    int read_only = (int)must(open("f", O_RDONLY));

    sqe_get(OP_FTRUNCATE, fd, NULL, 0, 4, 1);
    is_eq(ring_result(), 0);
    is_eq(size_of("f"), 4);
    sqe_get(OP_FTRUNCATE, fd, NULL, 0, (uint64_t)-1, 1);
    is_eq(ring_result(), -EINVAL);
    sqe_get(OP_FTRUNCATE, read_only, NULL, 0, 4, 1);
    is_eq(ring_result(), -EINVAL);
    sqe_get(OP_FTRUNCATE, a[1], NULL, 0, 4, 1);
    is_eq(ring_result(), -EINVAL);
    sqe_get(OP_FTRUNCATE, fd, NULL, 1, 4, 1);
    is_eq(ring_result(), -EINVAL);
    must(close(read_only));
}

/* A connection without a system call but those of the ring. */
static void sockets(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "s"};
    int s, c, n;

    sqe_get(IORING_OP_SOCKET, AF_UNIX, NULL, 0, SOCK_STREAM, 1);
    ok((s = ring_result()) >= 0, "a socket");
    sqe_get(OP_LISTEN, s, NULL, 1, 0, 1);
    is_eq(ring_result(), -EINVAL); /* it has no name yet */
    sqe_get(OP_BIND, s, &name, 0, sizeof(name), 1);
    is_eq(ring_result(), 0);
    ok(exists("s"), "its name");
    sqe_get(OP_BIND, s, &name, 0, sizeof(name), 1);
    is_eq(ring_result(), -EADDRINUSE);
    sqe_get(OP_BIND, s, &name, 1, sizeof(name), 1);
    is_eq(ring_result(), -EINVAL);
    sqe_get(OP_BIND, s, BAD_PTR, 0, sizeof(name), 1);
    is_eq(ring_result(), -EFAULT);
    sqe_get(OP_BIND, fd, &name, 0, sizeof(name), 1);
    is_eq(ring_result(), -ENOTSOCK);
    sqe_get(OP_LISTEN, s, NULL, 1, 0, 1);
    is_eq(ring_result(), 0);
    sqe_get(OP_LISTEN, s, &name, 1, 0, 1);
    is_eq(ring_result(), -EINVAL);
    sqe_get(OP_LISTEN, fd, NULL, 1, 0, 1);
    is_eq(ring_result(), -ENOTSOCK);
    c = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));
    sqe_get(IORING_OP_CONNECT, c, &name, 0, sizeof(name), 1);
    is_eq(ring_result(), 0);
    sqe_get(IORING_OP_ACCEPT, s, NULL, 0, 0, 1);
    ok((n = ring_result()) >= 0, "who connected");
    must(write(c, "hi", 2));
    ok(holds(n, "hi"), "is who writes");
}

static struct io_uring_sqe *xattr_entry(int op, const void *value, unsigned len)
{
    struct io_uring_sqe *s = sqe_get(op, fd, "user.nv", len, (uint64_t)(uintptr_t)value, 1);

    if (op == IORING_OP_SETXATTR || op == IORING_OP_GETXATTR) {
        s->fd = -1;
        s->addr3 = (uint64_t)(uintptr_t) "f";
    }
    return s;
}

static void attributes(void)
{
    static char buf[8];

    if (fsetxattr(fd, "user.other", "x", 1, 0)) {
        for (int i = 0; i < 11; i++)
            skip("no attributes here");
        return;
    }
    xattr_entry(IORING_OP_FGETXATTR, buf, 8);
    is_eq(ring_result(), -ENODATA);
    xattr_entry(IORING_OP_FSETXATTR, "one", 3)->xattr_flags = XATTR_REPLACE;
    is_eq(ring_result(), -ENODATA);
    xattr_entry(IORING_OP_FSETXATTR, "one", 3)->xattr_flags = XATTR_CREATE;
    is_eq(ring_result(), 0);
    xattr_entry(IORING_OP_SETXATTR, "two", 3)->xattr_flags = XATTR_CREATE;
    is_eq(ring_result(), -EEXIST);
    xattr_entry(IORING_OP_SETXATTR, "four", 4);
    is_eq(ring_result(), 0);
    xattr_entry(IORING_OP_FGETXATTR, buf, 8);
    is_eq(ring_result(), 4);
    ok(!memcmp(buf, "four", 4), "as set by name");
    xattr_entry(IORING_OP_GETXATTR, buf, 3);
    is_eq(ring_result(), -ERANGE);
    xattr_entry(IORING_OP_GETXATTR, NULL, 0);
    is_eq(ring_result(), 4);
    xattr_entry(IORING_OP_GETXATTR, buf, 8)->xattr_flags = 1;
    is_eq(ring_result(), -EINVAL);
    xattr_entry(IORING_OP_GETXATTR, buf, 8)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), -EBADF);
}

static void probed(void)
{
    static union {
        struct io_uring_probe p;
        char room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
    } probe;
    const int newer[] = {OP_READ_MULTISHOT, OP_FIXED_FD_INSTALL, OP_FTRUNCATE, OP_BIND, OP_LISTEN};
    int old = 0, more = 0;

    is_errno(ring_register(IORING_REGISTER_PROBE, &probe, 257), EINVAL);
    is_errno(ring_register(IORING_REGISTER_PROBE, NULL, 8), EINVAL);
    is_eq(ring_register(IORING_REGISTER_PROBE, &probe, 8), 0);
    is_eq(probe.p.ops_len, 8);
    is_errno(ring_register(IORING_REGISTER_PROBE, &probe, 8), EINVAL); /* not all zeros */
    memset(&probe, 0, sizeof(probe));
    is_eq(ring_register(IORING_REGISTER_PROBE, &probe, 256), 0);
    for (int i = 0; i <= IORING_OP_SOCKET; i++)
        old += probe.p.ops[i].op == i && (probe.p.ops[i].flags & IO_URING_OP_SUPPORTED);
    for (int i = 0; i < 5; i++)
        more += probe.p.ops[newer[i]].flags & IO_URING_OP_SUPPORTED;
    is_eq(old, IORING_OP_SOCKET + 1);
    is_eq(more, 5);
    is_eq(probe.p.ops[200].flags, 0);
}

int main(void)
{
    tmp_enter();
    fd = file_with("f", "0123456789");
    must(pipe(a));
    must(pipe(b));
    ring_make(4, N);
    splices();
    tees();
    truncates();
    sockets();
    attributes();
    probed();
    done();
}
