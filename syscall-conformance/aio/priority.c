/* io_submit(2): IOCB_FLAG_IOPRIO with a priority class that does not exist is EINVAL, the real-time
 * class needs a capability; RWF_ flags are those of the kind of file, files without them are
 * refused. */
#include "aio.h"
#include <linux/ioprio.h>

#ifndef IOCB_FLAG_IOPRIO
#define IOCB_FLAG_IOPRIO 2
#endif

static aio_context_t ctx;
static char buf[64];

static long submit(int fd, unsigned int prio, int rwf, int op)
{
    struct iocb cb = {.aio_lio_opcode = (uint16_t)op,
                      .aio_fildes = (uint32_t)fd,
                      .aio_buf = (uint64_t)buf,
                      .aio_nbytes = 4,
                      .aio_flags = prio ? IOCB_FLAG_IOPRIO : 0,
                      .aio_reqprio = (int16_t)prio,
                      .aio_rw_flags = rwf};
    struct iocb *list = &cb;
    struct io_event ev;

    long r = syscall(SYS_io_submit, ctx, 1L, &list);
    if (r == 1)
        syscall(SYS_io_getevents, ctx, 1L, 1L, &ev, NULL);
    return r;
}

int main(void)
{
    int file = (int)syscall(SYS_memfd_create, "m", 0), p[2];

    if (write(file, "0123456789", 10) != 10 || pipe(p) || write(p[1], "0123456789", 10) != 10)
        return 1;
    is_eq(syscall(SYS_io_setup, 8, &ctx), 0);
    is_eq(submit(file, 0, 0, IOCB_CMD_PREAD), 1);
    is_eq(submit(file, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 3), 0, IOCB_CMD_PREAD), 1);
    is_eq(submit(file, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0), 0, IOCB_CMD_PREAD), 1);
    is_errno(submit(file, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 1), 0, IOCB_CMD_PREAD), EINVAL);
    is_errno(submit(file, IOPRIO_PRIO_VALUE(5, 0), 0, IOCB_CMD_PREAD), EINVAL);
    is_errno(submit(file, IOPRIO_PRIO_VALUE(7, 7), 0, IOCB_CMD_PREAD), EINVAL);
    is_eq(submit(file, 0, 1 /* HIPRI */, IOCB_CMD_PREAD), 1);
    is_errno(submit(file, 0, 8 /* NOWAIT, which tmpfs does not know */, IOCB_CMD_PREAD),
             EOPNOTSUPP);
    is_errno(submit(file, 0, 0x30, IOCB_CMD_PREAD), EINVAL);
    is_errno(submit(file, 0, 0x4000, IOCB_CMD_PREAD), EOPNOTSUPP);
    is_eq(submit(p[0], 0, 8, IOCB_CMD_PREAD), 1);
    int comm = open("/proc/self/comm", O_RDONLY);
    is_errno(submit(comm, 0, 0, IOCB_CMD_PREAD), EINVAL);
    is_errno(submit(comm, 0, 0, IOCB_CMD_PWRITE), EBADF);
    done();
}
