/*
 * The working set: what private memory was written to between a restore and the end of the first
 * request, so that later restores have copies of it in place. The `wset` part of an image; only
 * advice. Pages that were only read are not in it: the host maps many of them at each fault, and
 * putting all of them in place took longer than the faults.
 */
#ifndef NV_SENTRY_MM_WSET_H
#define NV_SENTRY_MM_WSET_H

#include <stddef.h>
#include <stdint.h>

struct mm;

#define WSET_WRITTEN 1
struct wset_range {
    uint64_t start;
    uint32_t npages;
    uint16_t mm;  /* image_id */
    uint16_t how; /* WSET_WRITTEN */
};

struct wset {
    struct wset_range *v;
    uint32_t n, cap;
};

/* Adds what mm, which is restored and frozen, has written to. 0 or negative errno. Blocks. */
int mm_wset_record(struct mm *mm, struct wset *ws);
/* Writes it to an empty file. 0 or negative errno. */
int wset_write(const struct wset *ws, int fd);
/* Reads hostile bytes: *ws then holds only valid ranges, in order. 0 or negative errno. */
int wset_parse(const void *data, size_t len, struct wset *ws);
void wset_free(struct wset *ws);

/* What mm_restore() puts in place; to be called before it. Takes over what ws holds. */
void wset_use(struct wset *ws);
const struct wset *wset_used(void);

#endif
