/*
 * File contents in an image: pages in the pages file, holes and pages of zeros left out. A restored
 * file may leave them there until it is changed.
 */
#ifndef NV_SENTRY_CKPT_CONTENTS_H
#define NV_SENTRY_CKPT_CONTENTS_H

#include <stdint.h>
#include <sys/types.h>

struct ckpt_reader;
struct ckpt_writer;
struct uio;

struct ckpt_extent {
    uint64_t page, npages, off; /* off: in the pages file */
};
struct ckpt_contents {
    uint32_t n;
    struct ckpt_extent v[]; /* in order */
};

/*
 * Where save gets them: peek() reads len bytes at pos; next_data() is where there may be data at or
 * after pos, NULL: everywhere.
 */
struct ckpt_contents_source {
    const void *arg;
    loff_t size;
    ssize_t (*peek)(const void *arg, void *buf, size_t len, loff_t pos);
    loff_t (*next_data)(const void *arg, loff_t pos);
};
/* In save(): pages go to the pages file, where they are into the record. 0 or -errno. */
int ckpt_contents_save(struct ckpt_writer *w, const struct ckpt_contents_source *s);
/* In load(): checked, of a file of that size; the caller frees it. NULL: ckpt_bad() was called. */
struct ckpt_contents *ckpt_contents_load(struct ckpt_reader *r, loff_t size);

/* Bytes [pos, pos + len), which must be within the file: len or -errno. */
ssize_t ckpt_contents_read(const struct ckpt_contents *c, void *buf, size_t len, loff_t pos);
/* The same to a guest; fewer if its memory ends. */
ssize_t ckpt_contents_uio(const struct ckpt_contents *c, struct uio *u, size_t len, loff_t pos);
/* Writes them to fd, an empty file of that size. Does not park. */
int ckpt_contents_copy(const struct ckpt_contents *c, int fd, loff_t size);
uint64_t ckpt_contents_pages(const struct ckpt_contents *c);

#endif
