/* io_submit(2): each of many polls signals the eventfd that the next one polls; all come. */
#include "aio.h"
#include <sys/resource.h>

enum { N = 2000 };

int main(void)
{
    aio_context_t ctx = 0;
    struct rlimit files = {N + 100, N + 100};
    struct io_event ev;
    int have = 0, fd[N];

    must(setrlimit(RLIMIT_NOFILE, &files));
    must(io_setup(N, &ctx));
    for (int i = 0; i < N; i++)
        fd[i] = (int)must(eventfd(0, 0));
    for (int i = 0; i < N - 1; i++) {
        struct iocb cb = {.aio_lio_opcode = IOCB_CMD_POLL,
                          .aio_fildes = (uint32_t)fd[i],
                          .aio_buf = POLLIN,
                          .aio_flags = IOCB_FLAG_RESFD,
                          .aio_resfd = (uint32_t)fd[i + 1]};
        if (submit1(ctx, &cb) != 1)
            bail("submitting");
    }
    must(write(fd[0], &(uint64_t){1}, 8));
    while (have < N - 1 && io_getevents(ctx, 1, 1, &ev, NULL) == 1)
        have++;
    is_eq(have, N - 1);
    struct pollfd last = {fd[N - 1], POLLIN, 0};
    is_eq(poll(&last, 1, 10000), 1);
    done();
}
