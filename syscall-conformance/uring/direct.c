/* io_uring(7): descriptors that only the ring has; tables with free places, tags, ranges. */
#include "abi.h"
#include <sys/un.h>

static const int ALLOC = -1;

static struct io_uring_sqe *open_direct(const char *name, int slot)
{
    struct io_uring_sqe *s = sqe_get(IORING_OP_OPENAT, AT_FDCWD, name, 0600, 0, 0);

    s->open_flags = O_RDWR | O_CREAT;
    s->file_index = slot == ALLOC ? IORING_FILE_INDEX_ALLOC : (unsigned)slot;
    return s;
}

static long fixed(int op, int slot, void *buf, unsigned len)
{
    sqe_get(op, slot, buf, len, 0, 0)->flags = IOSQE_FIXED_FILE;
    return ring_result();
}

static void table(void)
{
    struct io_uring_rsrc_register reg = {.nr = 4, .flags = IORING_RSRC_REGISTER_SPARSE};

    open_direct("a", 1);
    is_eq(ring_result(), -ENXIO);
    is_errno(ring_register(IORING_REGISTER_FILES2, &reg, 1), EINVAL);
    is_eq(ring_register(IORING_REGISTER_FILES2, &reg, sizeof(reg)), 0);
    is_errno(ring_register(IORING_REGISTER_FILES2, &reg, sizeof(reg)), EBUSY);
}

static void files(void)
{
    char buf[8];

    open_direct("a", 1);
    is_eq(ring_result(), 0);
    open_direct("a", 5);
    is_eq(ring_result(), -EINVAL);
    open_direct("a", 2)->open_flags |= O_CLOEXEC;
    is_eq(ring_result(), -EINVAL);
    open_direct("b", ALLOC);
    is_eq(ring_result(), 1);
    is_eq(fixed(IORING_OP_WRITE, 0, "hello", 5), 5);
    is_eq(fixed(IORING_OP_READ, 0, buf, 8), 5);
    is_eq(fixed(IORING_OP_READ, 2, buf, 8), -EBADF);
    is_eq(fixed(IORING_OP_FSYNC, 0, NULL, 0), 0);
    sqe_get(OP_FTRUNCATE, 0, NULL, 0, 3, 0)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), 0);
    is_eq(fixed(IORING_OP_READ, 0, buf, 8), 3);
    sqe_get(OP_FIXED_FD_INSTALL, 0, NULL, 0, 0, 0)->flags = IOSQE_FIXED_FILE;
    int fd = (int)ring_result();
    ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "as a descriptor, too");
    is_eq(pread(fd, buf, 8, 0), 3);
    sqe_get(OP_FIXED_FD_INSTALL, fd, NULL, 0, 0, 0);
    is_eq(ring_result(), -EBADF);
    sqe_get(IORING_OP_CLOSE, 0, NULL, 0, 0, 0)->file_index = 1;
    is_eq(ring_result(), 0);
    sqe_get(IORING_OP_CLOSE, 0, NULL, 0, 0, 0)->file_index = 1;
    is_eq(ring_result(), -EBADF);
    is_eq(pread(fd, buf, 8, 0), 3);
    must(close(fd));
}

static void sockets(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(a);
    struct io_uring_sqe *s = sqe_get(IORING_OP_SOCKET, AF_UNIX, NULL, 0, SOCK_STREAM, 0);
    char x;

    s->file_index = 1;
    is_eq(ring_result(), 0);
    sqe_get(OP_BIND, 0, &a, 0, sizeof(sa_family_t), 0)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), 0);
    is_eq(fixed(OP_LISTEN, 0, NULL, 4), 0);
    sqe_get(OP_FIXED_FD_INSTALL, 0, NULL, 0, 0, 0)->flags = IOSQE_FIXED_FILE;
    int l = (int)ring_result(), c = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));
    must(getsockname(l, (void *)&a, &len));
    sqe_get(IORING_OP_CONNECT, c, &a, 0, len, 0);
    is_eq(ring_result(), 0);
    s = sqe_get(IORING_OP_ACCEPT, 0, NULL, 0, 0, 0);
    s->flags = IOSQE_FIXED_FILE;
    s->file_index = IORING_FILE_INDEX_ALLOC;
    is_eq(ring_result(), 2);
    sqe_get(IORING_OP_SEND, 2, "x", 1, 0, 0)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), 1);
    is_eq(read(c, &x, 1), 1);
    is_eq(fixed(IORING_OP_SHUTDOWN, 2, NULL, SHUT_RDWR), 0);
    is_eq(read(c, &x, 1), 0);
    must(close(c));
    must(close(l));
}

static void range(void)
{
    struct io_uring_file_index_range r = {.off = 3, .len = 1};

    is_eq(ring_register(IORING_REGISTER_FILE_ALLOC_RANGE, &r, 0), 0);
    open_direct("b", ALLOC);
    is_eq(ring_result(), 3);
    open_direct("b", ALLOC);
    is_eq(ring_result(), -ENFILE);
    r.len = 2;
    is_errno(ring_register(IORING_REGISTER_FILE_ALLOC_RANGE, &r, 0), EINVAL);
}

/* A tag is told when the last use of what it is of is over. */
static void tags(void)
{
    uint64_t tag = 77;
    int p[2], none = -1;
    char buf[8];

    must(pipe(p));
    struct io_uring_rsrc_update2 up = {
        .offset = 0, .data = (uint64_t)(uintptr_t)p, .tags = (uint64_t)(uintptr_t)&tag, .nr = 1};
    is_eq(ring_register(IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up)), 1);
    sqe_get(IORING_OP_READ, 0, buf, 8, (uint64_t)-1, 5)->flags = IOSQE_FIXED_FILE;
    must(enter(1, 0, 0));
    up.data = (uint64_t)(uintptr_t)&none;
    up.tags = 0;
    is_eq(ring_register(IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up)), 1);
    is_eq(cq_count(), 0);
    must(write(p[1], "abc", 3));
    must(enter(0, 2, IORING_ENTER_GETEVENTS));
    struct cqe c = cqe_next();
    ok(c.user_data == 5 && c.res == 3, "what uses it goes on");
    c = cqe_next();
    ok(c.user_data == 77 && !c.res && !c.flags, "and then the tag");
}

int main(void)
{
    tmp_enter();
    ring_make(8, 44);
    table();
    files();
    sockets();
    range();
    tags();
    int self = ring_fd, sv[2];
    is_eq(ring_register(IORING_UNREGISTER_FILES, NULL, 0), 0);
    is_errno(ring_register(IORING_REGISTER_FILES, &self, 1), EBADF);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    is_eq(ring_register(IORING_REGISTER_FILES, sv, 2), 0);
    done();
}
