/* io_submit(2): IOCB_CMD_POLL completes when the file is ready, once; io_cancel(2) ends it. */
#include "aio.h"

int main(void)
{
    aio_context_t ctx = 0;
    struct io_event ev;
    int p[2];

    must(pipe(p));
    must(io_setup(8, &ctx));
    struct iocb cb = {
        .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)p[0], .aio_buf = POLLIN};
    is_eq(submit1(ctx, &cb), 1);
    is_eq(io_getevents(ctx, 0, 1, &ev, NULL), 0);
    pid_t pid = (pid_t)must(fork());
    if (!pid)
        _exit(write(p[1], "x", 1) != 1);
    is_eq(io_getevents(ctx, 1, 1, &ev, NULL), 1);
    must(waitpid(pid, NULL, 0));
    is_eq(ev.res & POLLIN, POLLIN);
    is_eq(submit1(ctx, &cb), 1);
    is_eq(io_getevents(ctx, 1, 1, &ev, NULL), 1);
    char c;
    must(read(p[0], &c, 1));
    is_eq(submit1(ctx, &cb), 1);
    is_errno(io_cancel(ctx, &cb, &ev), EINPROGRESS);
    is_eq(io_getevents(ctx, 1, 1, &ev, NULL), 1);
    is_errno(io_cancel(ctx, &cb, &ev), EINVAL);
    is_eq(submit1(ctx, &cb), 1);
    is_eq(io_destroy(ctx), 0);
    must(write(p[1], "x", 1));
    done();
}
