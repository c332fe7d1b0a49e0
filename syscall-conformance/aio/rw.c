/* io_submit(2): reads and writes, also scattered; events carry data, request and result. */
#include "aio.h"

int main(void)
{
    aio_context_t ctx = 0;
    char buf[16] = "";
    struct io_event ev[4];

    tmp_enter();
    int fd = file_with("f", "0123456789");
    must(io_setup(8, &ctx));
    struct iocb w = iocb_for(IOCB_CMD_PWRITE, fd, "abc", 3, 2),
                r = iocb_for(IOCB_CMD_PREAD, fd, buf, 16, 1);
    struct iocb *both[] = {&w, &r};
    is_eq(io_submit(ctx, 2, both), 2);
    is_eq(io_getevents(ctx, 2, 4, ev, NULL), 2);
    ok(ev[0].data == 0x1234 && ev[0].obj == (uint64_t)(uintptr_t)&w && ev[0].res == 3, "the write");
    ok(ev[1].obj == (uint64_t)(uintptr_t)&r && ev[1].res == 9, "the read");
    ok(!memcmp(buf, "1abc56789", 9), "what was read");
    is_eq(lseek(fd, 0, SEEK_CUR), 0);
    struct iovec v[2] = {{buf, 2}, {buf + 8, 2}};
    struct iocb rv = iocb_for(IOCB_CMD_PREADV, fd, v, 2, 0);
    is_eq(result(ctx, &rv), 4);
    ok(!memcmp(buf, "01", 2) && !memcmp(buf + 8, "ab", 2), "scattered");
    struct iocb wv = iocb_for(IOCB_CMD_PWRITEV, fd, v, 2, 20);
    is_eq(result(ctx, &wv), 4);
    is_eq(size_of("f"), 24);
    r.aio_offset = 100;
    is_eq(result(ctx, &r), 0);
    r.aio_buf = (uint64_t)(uintptr_t)BAD_PTR, r.aio_offset = 0;
    is_eq(result(ctx, &r), -EFAULT);
    struct iocb s = iocb_for(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    is_eq(result(ctx, &s), 0);
    s.aio_lio_opcode = IOCB_CMD_FDSYNC;
    is_eq(result(ctx, &s), 0);
    is_eq(io_getevents(ctx, 0, 4, ev, NULL), 0);
    struct timespec ts = {0, 20000000};
    is_eq(io_getevents(ctx, 1, 4, ev, &ts), 0);
    must(io_destroy(ctx));
    done();
}
