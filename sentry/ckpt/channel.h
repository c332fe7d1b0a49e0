/*
 * /proc/nv: how a program inside speaks with the nv that runs it.
 *
 *   request     a read blocks until there is a request and returns it, then the end of the file;
 *               the next read waits for the next request. The first read of a warmed program is the
 *               barrier at which it is saved.
 *   response    each write is one response: a decimal exit code, a newline, the result
 *   checkpoint  a write asks for a checkpoint of this sandbox and returns when it was taken, or
 *               when it was restored; a read then tells which: "saved" or "restored N"
 *   generation  how often this sandbox was restored; poll(2) reports POLLPRI when it changes
 */
#ifndef NV_SENTRY_CKPT_CHANNEL_H
#define NV_SENTRY_CKPT_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The CLI's next request: copied, read in order. 0 or -ENOMEM; -EBUSY when too many wait. */
int channel_request(const void *data, size_t len);
/* A checkpoint the program has asked for was taken, or (a negative errno) was not. */
void channel_saved(int err);
/* What of this an image has. */
struct channel_state {
    uint64_t generation, saves;
};
struct channel_state channel_state(void);
void channel_restored(const struct channel_state *s);

#endif
