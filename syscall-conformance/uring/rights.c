/* io_uring_register(2): IORING_REGISTER_PERSONALITY keeps the credentials that the caller has now;
 * entries with its number are made with these. IORING_REGISTER_SYNC_CANCEL cancels as
 * IORING_OP_ASYNC_CANCEL does, at once. */
#include "abi.h"

#define N 35
static int p[2];
static char buf[8];

/* A file that is for its owner only. */
static int open_as(unsigned personality)
{
    sqe_get(IORING_OP_OPENAT, AT_FDCWD, "secret", 0, 0, 1)->personality = (__u16)personality;
    int n = ring_result();
    if (n >= 0)
        close(n);
    return n >= 0 ? 0 : n;
}

static void personalities(void)
{
    is_errno(ring_register(IORING_REGISTER_PERSONALITY, buf, 0), EINVAL);
    is_errno(ring_register(IORING_REGISTER_PERSONALITY, NULL, 1), EINVAL);
    is_eq(ring_register(IORING_REGISTER_PERSONALITY, NULL, 0), 1);
    is_eq(ring_register(IORING_REGISTER_PERSONALITY, NULL, 0), 2);
    is_errno(ring_register(IORING_UNREGISTER_PERSONALITY, buf, 1), EINVAL);
    is_errno(ring_register(IORING_UNREGISTER_PERSONALITY, NULL, 0), EINVAL);
    is_errno(ring_register(IORING_UNREGISTER_PERSONALITY, NULL, 3), EINVAL);
    is_eq(ring_register(IORING_UNREGISTER_PERSONALITY, NULL, 1), 0);
    is_errno(ring_register(IORING_UNREGISTER_PERSONALITY, NULL, 1), EINVAL);
    /* A number is not given again soon. */
    is_eq(ring_register(IORING_REGISTER_PERSONALITY, NULL, 0), 3);
    is_eq(open_as(1), -EINVAL);
    is_eq(open_as(99), -EINVAL);
    is_eq(open_as(3), 0);
}

/* Where this is another user, the file can be opened by who registered. */
static void another_user(void)
{
    if (geteuid()) {
        for (int i = 0; i < 4; i++)
            skip("only root can become another");
        return;
    }
    must(chmod(".", 0755));
    must(setegid(TMP_NOBODY));
    must(seteuid(TMP_NOBODY));
    is_eq(open_as(0), -EACCES);
    is_eq(open_as(3), 0);
    is_eq(ring_register(IORING_REGISTER_PERSONALITY, NULL, 0), 4);
    must(seteuid(0));
    must(setegid(0));
    is_eq(open_as(4), -EACCES);
}

static long cancel(uint64_t data, int fd, unsigned flags)
{
    struct io_uring_sync_cancel_reg c = {.addr = data, .fd = fd, .flags = flags};

    c.timeout.tv_sec = c.timeout.tv_nsec = -1;
    return ring_register(IORING_REGISTER_SYNC_CANCEL, &c, 1);
}

static void reads(int n)
{
    for (int i = 1; i <= n; i++)
        sqe_get(IORING_OP_READ, p[0], buf, 1, 0, (uint64_t)i);
    must(enter((unsigned)n, 0, 0));
}

/* So many of the completions are those of cancelled ones. */
static int cancelled(int n)
{
    int count = 0;

    for (int i = 0; i < n; i++) {
        struct cqe c = cqe_wait();
        count += c.res == -ECANCELED;
    }
    return count;
}

static void sync_cancel(void)
{
    struct io_uring_sync_cancel_reg c = {.pad = {0, 1}};

    is_errno(cancel(1, -1, 0), ENOENT);
    is_errno(ring_register(IORING_REGISTER_SYNC_CANCEL, &c, 1), EINVAL);
    is_errno(ring_register(IORING_REGISTER_SYNC_CANCEL, &c, 2), EINVAL);
    is_errno(ring_register(IORING_REGISTER_SYNC_CANCEL, NULL, 1), EINVAL);
    is_errno(ring_register(IORING_REGISTER_SYNC_CANCEL, BAD_PTR, 1), EFAULT);
    is_errno(cancel(1, -1, 1U << 6), EINVAL);
    is_errno(cancel(1, 999, IORING_ASYNC_CANCEL_FD), EBADF);
    reads(3);
    is_eq(cancel(2, -1, 0), 0);
    struct cqe one = cqe_wait();
    ok(one.user_data == 2 && one.res == -ECANCELED, "the one with the number");
    is_errno(cancel(2, -1, 0), ENOENT);
    is_eq(cancel(0, p[0], IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL), 2);
    is_eq(cancelled(2), 2);
    reads(2);
    is_errno(cancel(0, p[1], IORING_ASYNC_CANCEL_FD), ENOENT);
    is_eq(cancel(0, -1, IORING_ASYNC_CANCEL_ANY), 2);
    is_eq(cancelled(2), 2);
    is_eq(cancel(0, -1, IORING_ASYNC_CANCEL_ANY), 0);
    is_eq(cancel(1, -1, IORING_ASYNC_CANCEL_ALL), 0);
    is_eq(cq_count(), 0);
}

int main(void)
{
    tmp_enter();
    close(file_with("secret", "x"));
    must(chmod("secret", 0600));
    must(pipe(p));
    ring_make(8, N);
    personalities();
    another_user();
    sync_cancel();
    done();
}
