/* Saving a running sandbox into an image, and starting one from an image. */
#ifndef NV_RUNSC_CLI_CHECKPOINT_H
#define NV_RUNSC_CLI_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "ckpt/image.h"
#include "runsc-cli/options.h"
#include "runsc-cli/session.h"

struct checkpoint {
    const char *name;          /* of the image */
    bool leave_running;        /* else the sandbox stays stopped: end the session */
    bool settle;               /* first, that its tasks come to rest */
    struct manifest *manifest; /* what the caller wants in it; the rest is filled in. May be NULL */
    double freeze_ms, save_ms; /* results: stopping the tasks, writing what they have */
    double commit_ms;          /* digests and disk */
    uint64_t xstate;           /* components of vector state in use, as the sandbox says */
};

/*
 * Takes a checkpoint of a started session; messages of other kinds are handled meanwhile as ever.
 * On failure the sandbox goes on, an image of that name that was there is as it was, and e's hint
 * has what stands in the way, a line each.
 */
int checkpoint_take(struct session *s, struct checkpoint *c, struct error *e);
/* What could not be saved, a line each: 0 if there is nothing, -EBUSY, or a failure with e set. */
int checkpoint_check(struct session *s, struct strbuf *report, struct error *e);

/* The working set of a restored session, so far: malloc'ed into *data. 0 or negative errno. */
int checkpoint_wset(struct session *s, void **data, size_t *len, struct error *e);

/*
 * Fills in a session that begins with the image: what the saved sandbox was given, unless options
 * say otherwise. request is what /proc/nv/request gives first, NULL: nothing yet; it and img stay
 * the caller's and are needed until the session has started. 0, or an exit code with e set.
 */
int restore_fill(struct session *s, const struct image *img, const struct run_options *o,
                 const char *request, size_t request_len, struct error *e);
/* Frees what restore_fill() has made, also half of it: the session has started, or never will. */
void restore_release(struct session *s);

#endif
