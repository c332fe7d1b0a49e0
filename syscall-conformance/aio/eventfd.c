/* io_submit(2): IOCB_FLAG_RESFD counts completions. */
#include "aio.h"

int main(void)
{
    aio_context_t ctx = 0;
    char buf[16];
    uint64_t n;

    tmp_enter();
    int fd = file_with("f", "0123456789"), efd = (int)must(eventfd(0, EFD_NONBLOCK));
    must(io_setup(8, &ctx));
    struct iocb cb = iocb_for(IOCB_CMD_PREAD, fd, buf, 16, 0);
    struct iocb *v[] = {&cb, &cb, &cb};
    is_errno(read(efd, &n, 8), EAGAIN);
    cb.aio_flags = IOCB_FLAG_RESFD, cb.aio_resfd = (uint32_t)efd;
    is_eq(io_submit(ctx, 3, v), 3);
    is_eq(read(efd, &n, 8), 8);
    is_eq(n, 3);
    done();
}
