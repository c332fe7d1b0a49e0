/* From an image to a session; nv restore. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/platform.h"
#include "platform/xstate.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/spec.h"
#include "sentry/kernel/loop.h"

/* Mounts are found by their number: the saved ones, from where options say they are now. */
static int restore_mounts(struct sandbox_spec *s, const struct manifest *m, struct error *e)
{
    int given = s->nmounts;
    struct sandbox_mount *mounts = calloc(m->nmounts + 1, sizeof(*mounts));

    if (!mounts)
        return error_set(e, -ENOMEM, "restoring mounts");
    for (unsigned int i = 0; i < m->nmounts; i++) { /* what it says outlives the image */
        const struct manifest_mount *saved = &m->mounts[i];
        mounts[i] = (struct sandbox_mount){.src = strdup(saved->source),
                                           .dst = strdup(saved->destination),
                                           .readonly = saved->readonly,
                                           .export_index = i + 1};
        for (int k = 0; k < given; k++)
            if (!strcmp(s->mounts[k].dst, saved->destination))
                mounts[i].src = s->mounts[k].src;
    }
    s->mounts = mounts;
    s->nmounts = (int)m->nmounts;
    return 0;
}

static int check_cpu(const struct manifest *m, struct error *e)
{
    const char *missing = xstate_missing(m->xsave_features);

    if (!missing)
        return 0;
    error_set(e, 0, "the image was saved on a processor with %s, which this one has not", missing);
    error_hint(e, "save it with --cpu x86-64-v2 or v3, or on a processor like this one");
    return EXIT_NV;
}

/* It lives as long as nv. */
static int read_wset(const struct image *img, struct sandbox_restore *r)
{
    size_t len = img->manifest.parts[IMAGE_WSET].size;
    void *data = malloc(len ? len : 1);

    if (!data || pread(img->fd[IMAGE_WSET], data, len, 0) != (ssize_t)len) {
        free(data);
        return -EIO;
    }
    r->wset = data;
    r->wset_len = len;
    return 0;
}

int restore_fill(struct session *s, const struct image *img, const struct run_options *o,
                 const char *request, size_t request_len, struct error *e)
{
    struct sandbox_spec *spec = &s->sp.spec;
    const struct manifest *m = &img->manifest;
    static struct sandbox_restore restore;

    int code = check_cpu(m, e);
    if (!code)
        code = spec_fill_restored(&s->sp, o, m, e);
    if (!code && restore_mounts(spec, m, e))
        code = EXIT_NV;
    if (code)
        return code;
    restore = (struct sandbox_restore){.kernel_fd = img->fd[IMAGE_KERNEL],
                                       .pages_fd = img->fd[IMAGE_PAGES],
                                       .request = request,
                                       .request_len = request_len};
    if (img->fd[IMAGE_WSET] >= 0 && read_wset(img, &restore))
        return error_set(e, -EIO, "reading the working set"), EXIT_NV;
    spec->restore = &restore;
    return 0;
}
