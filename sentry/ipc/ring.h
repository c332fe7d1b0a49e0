/* A growable ring of bytes between a writer's and a reader's buffers: pipes, stream sockets. */
#ifndef NV_SENTRY_IPC_RING_H
#define NV_SENTRY_IPC_RING_H

#include "sentry/kernel/uaccess.h"

struct ring {
    char *buf;
    size_t cap; /* allocated: 0 or a power of two */
    size_t head, used;
};

/* Room for more bytes beyond those used. 0 or -ENOMEM. The caller bounds the size. */
int ring_reserve(struct ring *r, size_t more);
void ring_free(struct ring *r);

/* Append up to len bytes (reserved before). Bytes moved, or -EFAULT for none. */
ssize_t ring_put(struct ring *r, struct uio *u, size_t len);
/* Copy out up to len bytes beginning off bytes after the head; nothing is consumed. */
ssize_t ring_peek(const struct ring *r, size_t off, struct uio *u, size_t len);
void ring_skip(struct ring *r, size_t len);
void ring_drop(struct ring *r, size_t len); /* the last bytes */
/* peek and skip. */
ssize_t ring_get(struct ring *r, struct uio *u, size_t len);
/* Checkpoints: its bytes, as part of its owner's record; at most max of them. */
struct ckpt_reader;
struct ckpt_writer;
void ring_save(struct ckpt_writer *w, const struct ring *r);
void ring_load(struct ckpt_reader *rd, struct ring *r, size_t max);
/* Puts bytes in front of all others (reserved before). */
void ring_unget(struct ring *r, const void *data, size_t len);

#endif
