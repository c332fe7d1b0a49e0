/*
 * The `pages` part of an image: contents of memory, page aligned, so that a restored sandbox maps
 * them. Pages that are zero are holes of the file. Offsets are in bytes.
 */
#ifndef NV_SENTRY_CKPT_PAGES_H
#define NV_SENTRY_CKPT_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Writing. fd is the caller's; the rest begins as zero. */
struct ckpt_pages {
    int fd;
    uint64_t npages; /* given out so far */
    char *buf;       /* what is not yet written, ends at npages */
    size_t nbuf;     /* pages in it */
};
/* A ckpt_pages_fn; arg is a struct ckpt_pages. data NULL: npages of zeros, not written. */
int64_t ckpt_pages_sink(void *arg, const void *data, size_t npages);
/* Writes what is left and frees the buffer, also after an error: 0 or negative errno. */
int ckpt_pages_finish(struct ckpt_pages *p);

/*
 * Restoring: takes over fd, a regular file opened read-only (stubs get it to map). 0 or negative
 * errno. It stays open: memory is mapped from it.
 */
int ckpt_pages_use(int fd);
int ckpt_pages_fd(void);         /* -1: none */
uint64_t ckpt_pages_count(void); /* pages in the file */

#endif
