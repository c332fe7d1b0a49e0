/* io_uring_register(2): IORING_REGISTER_RING_FDS. A task can give a ring one of 16 numbers, by
 * which IORING_ENTER_REGISTERED_RING and IORING_REGISTER_USE_REGISTERED_RING name it in place of a
 * descriptor. They are the task's own, and keep the ring when its descriptor is closed. */
#include "abi.h"

#define N 33
#define ANY ((__u32)-1)

static long number(unsigned op, struct io_uring_rsrc_update *up, unsigned n)
{
    return ring_register(op, up, n);
}

static struct io_uring_rsrc_update at(unsigned offset, int fd)
{
    return (struct io_uring_rsrc_update){.offset = offset, .data = (uint64_t)fd};
}

static long enter_number(int n, unsigned submit)
{
    return syscall(SYS_io_uring_enter, n, submit, submit,
                   IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL, 0);
}

static void wrong(void)
{
    struct io_uring_rsrc_update up[17] = {at(ANY, ring_fd)};

    is_errno(enter_number(0, 0), EBADF);
    is_errno(number(IORING_REGISTER_RING_FDS, up, 0), EINVAL);
    is_errno(number(IORING_REGISTER_RING_FDS, up, 17), EINVAL);
    is_errno(number(IORING_REGISTER_RING_FDS, BAD_PTR, 1), EFAULT);
    is_errno(enter_number(0, 0), EBADF);
    up[0] = at(16, ring_fd);
    is_errno(number(IORING_REGISTER_RING_FDS, up, 1), EINVAL);
    up[0] = at(ANY, 1);
    is_errno(number(IORING_REGISTER_RING_FDS, up, 1), EOPNOTSUPP);
    up[0] = at(ANY, 999);
    is_errno(number(IORING_REGISTER_RING_FDS, up, 1), EBADF);
    up[0] = at(ANY, ring_fd);
    up[0].resv = 1;
    is_errno(number(IORING_REGISTER_RING_FDS, up, 1), EINVAL);
}

static void numbers(void)
{
    struct io_uring_rsrc_update up[17] = {at(ANY, ring_fd), at(5, ring_fd), at(5, ring_fd)};

    is_eq(number(IORING_REGISTER_RING_FDS, up, 3), 2); /* up to what is wrong */
    is_eq(up[0].offset, 0);
    is_eq(up[1].offset, 5);
    is_errno(number(IORING_REGISTER_RING_FDS, up + 2, 1), EBUSY);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 7);
    is_eq(enter_number(5, 1), 1);
    is_eq(cqe_next().user_data, 7);
    is_errno(enter_number(1, 0), EBADF);
    is_errno(enter_number(16, 0), EINVAL);
    is_errno(enter_number(-1, 0), EINVAL);
    is_eq(syscall(SYS_io_uring_register, 5,
                  IORING_REGISTER_PERSONALITY | REGISTER_USE_REGISTERED_RING, NULL, 0),
          1);
    is_errno(syscall(SYS_io_uring_register, 1,
                     IORING_REGISTER_PERSONALITY | REGISTER_USE_REGISTERED_RING, NULL, 0),
             EBADF);
    for (int i = 0; i < 15; i++)
        up[i] = at(ANY, ring_fd);
    is_eq(number(IORING_REGISTER_RING_FDS, up, 15), 14);
    is_eq(up[13].offset, 15);
    is_errno(number(IORING_REGISTER_RING_FDS, up + 14, 1), EBUSY);
}

static void given_back(void)
{
    struct io_uring_rsrc_update up[2] = {at(5, 0), at(16, 0)};

    is_eq(number(IORING_UNREGISTER_RING_FDS, up, 2), 1);
    is_errno(enter_number(5, 0), EBADF);
    is_eq(number(IORING_UNREGISTER_RING_FDS, up, 1), 1); /* also where there is none */
    is_errno(number(IORING_UNREGISTER_RING_FDS, up + 1, 1), EINVAL);
    up[0] = at(0, 1);
    is_errno(number(IORING_UNREGISTER_RING_FDS, up, 1), EINVAL);
    up[0] = at(0, 0);
    up[0].resv = 1;
    is_errno(number(IORING_UNREGISTER_RING_FDS, up, 1), EINVAL);
    is_errno(number(IORING_UNREGISTER_RING_FDS, up, 0), EINVAL);
}

static void of_the_task(void)
{
    int status;
    pid_t child = fork();

    if (!child)
        _exit(enter_number(0, 0) ? errno : 0);
    must(waitpid(child, &status, 0));
    is_eq(WEXITSTATUS(status), EINVAL);
    must(close(ring_fd));
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 8);
    is_eq(enter_number(0, 1), 1);
    is_eq(cqe_next().user_data, 8);
}

int main(void)
{
    ring_make(4, N);
    wrong();
    numbers();
    given_back();
    of_the_task();
    done();
}
