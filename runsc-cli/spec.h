/* From options and the host's facts to a sandbox_spec. */
#ifndef NV_RUNSC_CLI_SPEC_H
#define NV_RUNSC_CLI_SPEC_H

#include "base/error.h"
#include "runsc-cli/options.h"
#include "runsc-cli/spawn.h"

/* 0, or an exit code with e set. */
/* The same for a sandbox that comes from an image. */
struct manifest;
int spec_fill_restored(struct spawn *sp, const struct run_options *o, const struct manifest *m,
                       struct error *e);
/* The same, but argv is not looked at: the caller says what runs. */
int spec_fill_common(struct spawn *sp, const struct run_options *o, int argc, char **argv,
                     struct error *e);
/* A regular file that begins like one; 0 with the descriptor, or negative errno. */
int spec_open_image(const char *path, int *out, struct error *e);
/* Another sandbox of the same spec: what is its own is made anew. */
void spec_renew(struct sandbox_spec *s);
int spec_fill(struct spawn *s, const struct run_options *o, int argc, char **argv, struct error *e);

#endif
