/* Shared by the files of sentry/core. */
#ifndef NV_SENTRY_CORE_CORE_INTERNAL_H
#define NV_SENTRY_CORE_CORE_INTERNAL_H

#include <stdint.h>
#include <sys/user.h>

#include "base/list.h"
#include "base/strbuf.h"
#include "sentry/core/core.h"
#include "sentry/mm/vma.h"

/* /proc/PID/coredump_filter: core(5). */
#define CORE_ANON_PRIVATE 1u
#define CORE_ANON_SHARED 2u
#define CORE_MAPPED_PRIVATE 4u
#define CORE_MAPPED_SHARED 8u
#define CORE_ELF_HEADERS 16u

struct core_thread { /* as it was when it stopped */
    struct list node;
    struct task *task; /* owned reference */
    struct user_regs_struct regs;
    void *xstate; /* owned, platform->fpstate_size() bytes; NULL: could not be had */
};

enum core_pages { /* of an area, what goes into the file */
                  CORE_NOTHING,
                  CORE_OWN,  /* pages that are the process's own, the others are zero */
                  CORE_ALL,  /* all that can be read */
                  CORE_HEAD, /* the first page */
                  CORE_FILE, /* all that the file has */
};

struct core_area {
    uint64_t start, end, filesz, pgoff;
    uint32_t flags; /* PF_* */
    enum core_pages pages;
    struct file *file; /* owned reference, or NULL */
};

struct core_dump {
    struct task *dumper;
    siginfo_t info;
    bool interrupted, overdue;
    struct list threads; /* the dumper first */
    unsigned int nthreads;
    struct core_area *areas;
    uint32_t nareas;
    int pagemap; /* -1: not to be had, all pages are looked at */
    /* stream.c */
    int sock;
    char *buf;        /* a record under way */
    uint32_t buf_len; /* bytes of the file in it */
    uint64_t buf_at, pos, written, limit;
    bool truncated; /* RLIMIT_CORE is reached */
};

/* notes.c: all notes. */
void core_notes(const struct core_dump *c, struct strbuf *out);
/* areas.c: what there is, and then its pages. 0 or negative errno. */
int core_areas(struct core_dump *c);
void core_areas_free(struct core_dump *c);
int core_area_write(struct core_dump *c, const struct core_area *a);
/* stream.c. 0; -EFBIG: the limit is reached; other negative errno. Park. */
int core_stream_open(struct core_dump *c);
int core_put(struct core_dump *c, const void *data, size_t len);
int core_skip(struct core_dump *c, uint64_t len);
/* The end: 0, there is a core file. */
int core_stream_end(struct core_dump *c);
void core_stream_close(struct core_dump *c);

#endif
