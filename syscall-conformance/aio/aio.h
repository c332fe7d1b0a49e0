/* The calls of Linux AIO, which the C library has not. */
#ifndef CONFORMANCE_AIO_H
#define CONFORMANCE_AIO_H

#include "../tmp.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define io_setup(n, ctx) syscall(SYS_io_setup, n, ctx)
#define io_destroy(ctx) syscall(SYS_io_destroy, ctx)
#define io_submit(ctx, n, v) syscall(SYS_io_submit, ctx, (long)(n), v)
#define io_cancel(ctx, cb, ev) syscall(SYS_io_cancel, ctx, cb, ev)
#define io_getevents(ctx, min, max, ev, ts)                                                        \
    syscall(SYS_io_getevents, ctx, (long)(min), (long)(max), ev, ts)

TMP_FN struct iocb iocb_for(int op, int fd, void *buf, size_t n, long long off)
{
    return (struct iocb){.aio_lio_opcode = (uint16_t)op,
                         .aio_fildes = (uint32_t)fd,
                         .aio_buf = (uint64_t)(uintptr_t)buf,
                         .aio_nbytes = n,
                         .aio_offset = off,
                         .aio_data = 0x1234};
}

TMP_FN long submit1(aio_context_t ctx, struct iocb *cb)
{
    return io_submit(ctx, 1, &cb);
}

/* Submits one and gives its result. */
TMP_FN long result(aio_context_t ctx, struct iocb *cb)
{
    struct io_event ev;

    if (submit1(ctx, cb) != 1)
        return -10000;
    return io_getevents(ctx, 1, 1, &ev, NULL) == 1 ? (long)ev.res : -10001;
}

#endif
