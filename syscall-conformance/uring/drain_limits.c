/* io_uring_enter(2): a drained entry starts when all before it are complete, and those behind it
 * after it; a linked time limit cancels what it follows, or is cancelled by its end; a timeout ends
 * a wait. */
#include "uring.h"

#define N 27
static char buf[64];
static int p[2];

/* user_data and results of all completions, in the order of user_data. */
static const char *results(int n)
{
    static char text[256];
    int res[16], seen[16] = {0};

    text[0] = 0;
    for (int i = 0; i < n; i++) {
        struct cqe c = cqe_next();
        if (c.user_data < 16) {
            res[c.user_data] = c.res;
            seen[c.user_data]++;
        }
    }
    for (int i = 0; i < 16; i++)
        if (seen[i])
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d:%d ", i, res[i]);
    return text;
}

static void drain(void)
{
    sqe_get(IORING_OP_READ, p[0], buf, 1, 0, 1);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 2);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 3)->flags = IOSQE_IO_DRAIN;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 4);
    is_eq(enter(4, 0, 0), 4);
    is_eq(cq_count(), 1);
    is_eq(cqe_next().user_data, 2);
    must(write(p[1], "x", 1));
    must(enter(0, 3, IORING_ENTER_GETEVENTS));
    is_eq(cqe_next().user_data, 1);
    is_eq(cqe_next().user_data, 3);
    is_eq(cqe_next().user_data, 4);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 5)->flags = IOSQE_IO_DRAIN;
    is_eq(enter(1, 1, IORING_ENTER_GETEVENTS), 1);
    is_eq(cqe_next().user_data, 5);
}

static void limits(void)
{
    struct __kernel_timespec soon = {0, 20000000}, late = {1000, 0}, bad = {0, -1};

    sqe_get(IORING_OP_READ, p[0], buf, 1, 0, 1)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0, 2);
    is_eq(enter(2, 2, IORING_ENTER_GETEVENTS), 2);
    ok(1, "what takes too long: %s", results(2));
    sqe_get(IORING_OP_READ, p[0], buf, 1, 0, 1)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_LINK_TIMEOUT, -1, &late, 1, 0, 2)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 3);
    is_eq(enter(3, 0, 0), 3);
    is_eq(cq_count(), 0);
    must(write(p[1], "x", 1));
    must(enter(0, 3, IORING_ENTER_GETEVENTS));
    ok(1, "what does not, and what follows: %s", results(3));
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_LINK_TIMEOUT, -1, &late, 1, 0, 2);
    must(enter(2, 2, IORING_ENTER_GETEVENTS));
    ok(1, "what is done at once: %s", results(2));
    sqe_get(IORING_OP_LINK_TIMEOUT, -1, &late, 1, 0, 1);
    must(enter(1, 1, IORING_ENTER_GETEVENTS));
    ok(1, "that follows nothing: %s", results(1));
    sqe_get(IORING_OP_READ, p[0], buf, 1, 0, 1)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_LINK_TIMEOUT, -1, &bad, 1, 0, 2);
    must(enter(2, 2, IORING_ENTER_GETEVENTS));
    ok(1, "of a time that is none: %s", results(2));
}

static void waits(void)
{
    struct __kernel_timespec soon = {0, 20000000};

    sqe_get(IORING_OP_TIMEOUT, -1, &soon, 1, 0, 1);
    is_eq(enter(1, 0, 0), 1);
    is_eq(enter(0, 4, IORING_ENTER_GETEVENTS), 0);
    ok(1, "a timeout: %s", results(1));
    struct __kernel_timespec late = {0, 200000000};
    sqe_get(IORING_OP_TIMEOUT, -1, &late, 1, 1, 1);
    sqe_get(IORING_OP_TIMEOUT, -1, &soon, 1, 1, 2);
    is_eq(enter(2, 1, IORING_ENTER_GETEVENTS), 2);
    is_eq(cqe_next().user_data, 2);
    is_eq(enter(0, 1, IORING_ENTER_GETEVENTS), 0);
    ok(1, "timeouts do not count each other: %s", results(1));
}

static void calls(void)
{
    int fd = file_with("a", "0123456789"), files[2] = {p[0], -1}, r[4];

    r[0] = (sqe_get(IORING_OP_RENAMEAT, AT_FDCWD, "a", (unsigned)AT_FDCWD, (uint64_t) "b", 1),
            ring_result());
    r[1] = (sqe_get(IORING_OP_MKDIRAT, AT_FDCWD, "d", 0700, 0, 1), ring_result());
    r[2] = (sqe_get(IORING_OP_SYMLINKAT, AT_FDCWD, "b", 0, (uint64_t) "s", 1), ring_result());
    r[3] = (sqe_get(IORING_OP_LINKAT, AT_FDCWD, "b", (unsigned)AT_FDCWD, (uint64_t) "h", 1),
            ring_result());
    ok(1, "names: %d %d %d %d", r[0], r[1], r[2], r[3]);
    r[0] = (sqe_get(IORING_OP_UNLINKAT, AT_FDCWD, "d", 0, 0, 1), ring_result());
    sqe_get(IORING_OP_UNLINKAT, AT_FDCWD, "d", 0, 0, 1)->unlink_flags = AT_REMOVEDIR;
    r[1] = ring_result();
    r[2] = (sqe_get(IORING_OP_UNLINKAT, AT_FDCWD, "s", 7, 0, 1), ring_result());
    r[3] = (sqe_get(IORING_OP_FALLOCATE, fd, (void *)100, 0, 0, 1), ring_result());
    ok(1, "removals and space: %d %d %d %d %ld", r[0], r[1], r[2], r[3], size_of("h"));
    r[0] = (sqe_get(IORING_OP_SYNC_FILE_RANGE, fd, NULL, 10, 0, 1), ring_result());
    r[1] = (sqe_get(IORING_OP_FADVISE, fd, NULL, 10, 0, 1), ring_result());
    r[2] = (sqe_get(IORING_OP_SHUTDOWN, fd, NULL, 0, 0, 1), ring_result());
    r[3] = (sqe_get(IORING_OP_CLOSE, ring_fd, NULL, 0, 0, 1), ring_result());
    ok(1, "descriptors: %d %d %d %d", r[0], r[1], r[2], r[3]);
    r[0] = (int)syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, files, 2);
    files[0] = fd;
    files[1] = IORING_REGISTER_FILES_SKIP;
    r[1] = (sqe_get(IORING_OP_FILES_UPDATE, -1, files, 2, 0, 1), ring_result());
    sqe_get(IORING_OP_READ, 0, buf, 3, 2, 1)->flags = IOSQE_FIXED_FILE;
    r[2] = ring_result();
    r[3] = (sqe_get(IORING_OP_FILES_UPDATE, -1, files, 2, 1, 1), ring_result());
    ok(r[2] == 3 && !memcmp(buf, "234", 3), "registered files: %d %d %d %d", r[0], r[1], r[2],
       r[3]);
}

int main(void)
{
    tmp_enter();
    must(pipe(p));
    ring_make(8, N);
    drain();
    limits();
    waits();
    calls();
    if (tap_count != N)
        printf("# %d assertions\n", tap_count);
    done();
}
