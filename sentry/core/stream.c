/* The way to the process that writes the file. */
#include "sentry/core/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/core/core_internal.h"
#include "sentry/ctl.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"

#define HEAD sizeof(struct core_record)

static int send_all(struct core_dump *c, const char *data, size_t len)
{
    while (len) {
        if (c->interrupted || c->dumper->tg->exiting)
            return -EINTR;
        ssize_t n = send(c->sock, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return -errno;
        int err = n < 0 ? loop_fd_wait(c->sock, EPOLLOUT) : 0;
        if (err)
            return err;
        data += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
    return 0;
}

int core_stream_open(struct core_dump *c)
{
    struct core_hello hello = {.pid = c->dumper->tg->tgid};

    c->buf = malloc(HEAD + CORE_BYTES_MAX);
    if (!c->buf)
        return -ENOMEM;
    memcpy(hello.comm, c->dumper->comm, sizeof(hello.comm));
    c->sock = ctl_ask(CTL_WANT_CORE, 0, -1, CTL_CORE);
    return c->sock < 0 ? c->sock : send_all(c, (const char *)&hello, sizeof(hello));
}

static int flush(struct core_dump *c)
{
    const struct core_record r = {.offset = c->buf_at, .len = c->buf_len};

    if (!c->buf_len)
        return 0;
    memcpy(c->buf, &r, HEAD);
    int err = send_all(c, c->buf, HEAD + c->buf_len);
    c->buf_len = 0;
    if (!err)
        fiber_yield(); /* others have their turn */
    return err;
}

int core_put(struct core_dump *c, const void *data, size_t len)
{
    const char *from = data;

    while (len) {
        size_t n = MIN(len, (size_t)(CORE_BYTES_MAX - c->buf_len));
        if (c->written + n > c->limit) {
            c->truncated = true;
            return -EFBIG;
        }
        if (!c->buf_len)
            c->buf_at = c->pos;
        memcpy(c->buf + HEAD + c->buf_len, from, n);
        c->buf_len += (uint32_t)n;
        c->pos += n;
        c->written += n;
        from += n;
        len -= n;
        int err = c->buf_len == CORE_BYTES_MAX ? flush(c) : 0;
        if (err)
            return err;
    }
    return 0;
}

int core_skip(struct core_dump *c, uint64_t len)
{
    int err = len ? flush(c) : 0;

    c->pos += len;
    return err;
}

int core_stream_end(struct core_dump *c)
{
    int32_t answer;
    int err = flush(c);
    const struct core_record r = {.offset = c->pos, .end = 1};

    if (!err)
        err = send_all(c, (const char *)&r, sizeof(r));
    while (!err) {
        ssize_t n = recv(c->sock, &answer, sizeof(answer), MSG_DONTWAIT);
        if (n == sizeof(answer))
            return answer;
        err = n >= 0 ? -EPIPE : errno == EAGAIN ? loop_fd_wait(c->sock, EPOLLIN) : -errno;
    }
    return err;
}

void core_stream_close(struct core_dump *c)
{
    free(c->buf);
    if (c->sock >= 0)
        close(c->sock);
}
