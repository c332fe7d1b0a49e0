/*
 * Files of pages in an image: contents of files in `pages`, and of memory in `memory.N`, one for
 * each address space, which its process maps. Nothing else may be in that file: a process can map
 * all of a file that it has a mapping of (mremap(2) lets it grow, whatever the sentry says).
 * Images of format 1 have everything in `pages`. Pages that are zero are holes of the file. Offsets
 * are in bytes.
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
/* A ckpt_pages_fn; arg is a struct ckpt_pages, file is of no account. data NULL: npages of zeros,
 * not written. */
int64_t ckpt_pages_sink(void *arg, unsigned int file, const void *data, size_t npages);
/* Writes what is left and frees the buffer, also after an error: 0 or negative errno. */
int ckpt_pages_finish(struct ckpt_pages *p);

/*
 * Restoring: takes over fd, a regular file opened read-only (stubs get it to map). 0 or negative
 * errno. It stays open: memory is mapped from it.
 */
int ckpt_pages_use(int fd);
/* The same of the next memory file. */
int ckpt_memory_use(int fd);
int ckpt_pages_fd(void);         /* -1: none */
uint64_t ckpt_pages_count(void); /* pages in the file */
int ckpt_memory_fd(unsigned int i);
uint64_t ckpt_memory_count(unsigned int i);

#endif
