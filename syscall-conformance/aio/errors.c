/* io_submit(2), io_getevents(2), io_cancel(2): errors and their order. */
#include "aio.h"

int main(void)
{
    aio_context_t ctx = 0;
    char buf[16];
    struct io_event ev;

    tmp_enter();
    int fd = file_with("f", "0123456789"), ro = (int)must(open("f", O_RDONLY)),
        wo = (int)must(open("f", O_WRONLY));
    must(io_setup(8, &ctx));
    struct iocb cb = iocb_for(IOCB_CMD_PREAD, fd, buf, 16, 0), bad;
    is_errno(io_submit(ctx, -1, NULL), EINVAL);
    is_eq(io_submit(ctx, 0, NULL), 0);
    is_errno(io_submit(ctx, 1, BAD_PTR), EFAULT);
    is_errno(submit1(ctx, BAD_PTR), EFAULT);
    bad = cb, bad.aio_reserved2 = 1;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_nbytes = (uint64_t)-1;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_fildes = 999;
    is_errno(submit1(ctx, &bad), EBADF);
    bad = cb, bad.aio_fildes = (uint32_t)wo;
    is_errno(submit1(ctx, &bad), EBADF);
    bad = cb, bad.aio_lio_opcode = IOCB_CMD_PWRITE, bad.aio_fildes = (uint32_t)ro;
    is_errno(submit1(ctx, &bad), EBADF);
    bad = cb, bad.aio_lio_opcode = 99;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_lio_opcode = 4;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_lio_opcode = IOCB_CMD_FSYNC;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_lio_opcode = IOCB_CMD_POLL;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_rw_flags = 0x8000000;
    is_errno(submit1(ctx, &bad), EOPNOTSUPP);
    bad = cb, bad.aio_flags = IOCB_FLAG_RESFD, bad.aio_resfd = (uint32_t)fd;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad.aio_resfd = 999;
    is_errno(submit1(ctx, &bad), EBADF);
    bad = cb, bad.aio_offset = -5;
    is_errno(submit1(ctx, &bad), EINVAL);
    bad = cb, bad.aio_reserved2 = 1;
    struct iocb *mixed[] = {&cb, &bad, &cb};
    is_eq(io_submit(ctx, 3, mixed), 1);
    is_errno(io_getevents(ctx, 2, 1, &ev, NULL), EINVAL);
    is_errno(io_getevents(ctx, -1, 1, &ev, NULL), EINVAL);
    is_errno(io_getevents(ctx, 1, 1, &ev, BAD_PTR), EFAULT);
    is_errno(io_getevents(ctx, 1, 1, BAD_PTR, NULL), EFAULT);
    is_eq(io_getevents(ctx, 1, 1, &ev, NULL), 1);
    is_errno(io_cancel(ctx, BAD_PTR, &ev), EFAULT);
    is_errno(io_cancel(ctx, &cb, &ev), EINVAL);
    done();
}
