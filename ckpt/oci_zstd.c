/* Parts of images through libzstd, in a stream of bounded memory. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/library.h"
#include "ckpt/oci_internal.h"

#define LEVEL 3
#define IN_SIZE (1UL << 20)
#define OUT_SIZE (1UL << 20)

#define FN(f) static __typeof__(&(f)) f##_p
FN(ZSTD_createCCtx);
FN(ZSTD_freeCCtx);
FN(ZSTD_CCtx_setParameter);
FN(ZSTD_compressStream2);
FN(ZSTD_createDCtx);
FN(ZSTD_freeDCtx);
FN(ZSTD_decompressStream);
FN(ZSTD_isError);
FN(ZSTD_getErrorName);

static int load(struct error *e)
{
#define F(name)                                                                                    \
    {                                                                                              \
#name, &name##_p                                                                           \
    }
    const struct library_function f[] = {
        F(ZSTD_createCCtx),       F(ZSTD_freeCCtx),   F(ZSTD_CCtx_setParameter),
        F(ZSTD_compressStream2),  F(ZSTD_createDCtx), F(ZSTD_freeDCtx),
        F(ZSTD_decompressStream), F(ZSTD_isError),    F(ZSTD_getErrorName),
    };
#undef F
    static bool loaded;

    int err = loaded ? 0 : library_load("libzstd.so.1", "libzstd1", f, ARRAY_SIZE(f), e);
    loaded = !err;
    return err;
}

struct stream {
    int from, to;
    uint64_t at, end; /* in from; end 0: its own */
    uint64_t written, limit;
    ZSTD_inBuffer in;
    ZSTD_outBuffer out;
    uint8_t *in_buf, *out_buf;
};

static int stream_init(struct stream *s, struct error *e)
{
    s->in_buf = malloc(IN_SIZE);
    s->out_buf = malloc(OUT_SIZE);
    s->in = (ZSTD_inBuffer){s->in_buf, 0, 0};
    s->out = (ZSTD_outBuffer){s->out_buf, OUT_SIZE, 0};
    return s->in_buf && s->out_buf ? 0 : error_set(e, -ENOMEM, "compression");
}

static void stream_free(struct stream *s)
{
    free(s->in_buf);
    free(s->out_buf);
}

/* More input, if all was taken; *end: there is none. */
static int fill(struct stream *s, bool *end, struct error *e)
{
    if (s->in.pos < s->in.size)
        return 0;
    ssize_t n =
        pread(s->from, s->in_buf, s->end ? MIN(IN_SIZE, s->end - s->at) : IN_SIZE, (off_t)s->at);
    if (n < 0)
        return error_set(e, -errno, "reading a part");
    *end = n == 0;
    s->at += (uint64_t)n;
    s->in = (ZSTD_inBuffer){s->in_buf, (size_t)n, 0};
    return 0;
}

static int drain(struct stream *s, struct error *e)
{
    const uint8_t *p = s->out_buf;
    size_t left = s->out.pos;

    s->written += left;
    if (s->written > s->limit)
        return error_say(e, -EBADMSG, "a part is longer than the manifest says");
    while (left) {
        ssize_t n = write(s->to, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(e, n ? -errno : -EIO, "writing a part");
        p += n;
        left -= (size_t)n;
    }
    s->out.pos = 0;
    return 0;
}

static int compress_all(struct stream *s, ZSTD_CCtx *c, struct error *e)
{
    bool end = s->end == 0;
    size_t left;

    do {
        int err = end ? 0 : fill(s, &end, e);
        if (err)
            return err;
        end |= s->at == s->end;
        left = ZSTD_compressStream2_p(c, &s->out, &s->in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError_p(left))
            return error_say(e, -EIO, "compression: %s", ZSTD_getErrorName_p(left));
        err = drain(s, e);
        if (err)
            return err;
    } while (!end || left);
    return s->at == s->end ? 0 : error_say(e, -EBADMSG, "a part ends too early");
}

int oci_compress(int from, uint64_t size, int to, struct error *e)
{
    struct stream s = {.from = from, .to = to, .end = size, .limit = UINT64_MAX};
    int err = load(e);

    if (err)
        return err;
    ZSTD_CCtx *c = ZSTD_createCCtx_p();
    err = stream_init(&s, e);
    if (!err && !c)
        err = error_set(e, -ENOMEM, "compression");
    if (!err) {
        ZSTD_CCtx_setParameter_p(c, ZSTD_c_compressionLevel, LEVEL);
        ZSTD_CCtx_setParameter_p(c, ZSTD_c_checksumFlag, 1);
        err = compress_all(&s, c, e);
    }
    ZSTD_freeCCtx_p(c);
    stream_free(&s);
    return err;
}

static int decompress_all(struct stream *s, ZSTD_DCtx *d, struct error *e)
{
    bool end = false, filled;
    size_t hint = 1; /* 0: a frame is complete */

    for (;;) {
        int err = fill(s, &end, e);
        if (err)
            return err;
        if (end)
            break;
        hint = ZSTD_decompressStream_p(d, &s->out, &s->in);
        if (ZSTD_isError_p(hint))
            return error_say(e, -EBADMSG, "a layer is not zstd: %s", ZSTD_getErrorName_p(hint));
        /* A full buffer may have more behind it, though all input was taken. */
        do {
            filled = s->out.pos == s->out.size && hint;
            err = drain(s, e);
            if (err)
                return err;
            if (filled)
                hint = ZSTD_decompressStream_p(d, &s->out, &s->in);
            if (ZSTD_isError_p(hint))
                return error_say(e, -EBADMSG, "a layer is damaged: %s", ZSTD_getErrorName_p(hint));
        } while (filled);
    }
    if (hint || s->written != s->limit)
        return error_say(e, -EBADMSG, "a part is shorter than the manifest says");
    return 0;
}

int oci_decompress(int from, int to, uint64_t size, struct error *e)
{
    struct stream s = {.from = from, .to = to, .limit = size};
    int err = load(e);

    if (err)
        return err;
    ZSTD_DCtx *d = ZSTD_createDCtx_p();
    err = stream_init(&s, e);
    if (!err && !d)
        err = error_set(e, -ENOMEM, "decompression");
    if (!err)
        err = decompress_all(&s, d, e);
    ZSTD_freeDCtx_p(d);
    stream_free(&s);
    return err;
}
