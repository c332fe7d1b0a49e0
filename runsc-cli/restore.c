/* From an image to a session; nv restore. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/cpu.h"
#include "platform/platform.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/spec.h"
#include "runsc-cli/text.h"
#include "sentry/kernel/loop.h"

#define WSET_MAX (16UL << 20)

static void mounts_free(struct sandbox_mount *m, int n)
{
    for (int i = 0; i < n; i++) {
        free(m[i].src);
        free(m[i].dst);
        if (m[i].image)
            close(m[i].image);
    }
    free(m);
}

/* Mounts are found by their number: the saved ones, from where options say they are now. */
static int restore_mounts(struct sandbox_spec *s, const struct image *img, struct error *e)
{
    const struct manifest *m = &img->manifest;
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
        bool is_given = false;
        for (int k = 0; k < given; k++) {
            if (strcmp(s->mounts[k].dst, saved->destination))
                continue;
            free(mounts[i].src);
            mounts[i].src = strdup(s->mounts[k].src);
            is_given = true;
        }
        if (!is_given && img->made_here && access(saved->source, F_OK)) {
            error_set(e, -errno, "the image's mount %s, from %s", text_safe(saved->destination),
                      text_safe(saved->source));
            error_hint(e, "say where it is now: --mount DIR:%s", text_safe(saved->destination));
            mounts_free(mounts, (int)i + 1);
            return -ENOENT;
        }
        if (!is_given && !img->made_here) {
            error_say(e, -EPERM, "the image wants %s of this host, and was not made here by you",
                      text_safe(saved->source));
            error_hint(e, "say what it may have there: --mount DIR:%s",
                       text_safe(saved->destination));
            mounts_free(mounts, (int)i + 1);
            return -EPERM;
        }
        if (saved->image && spec_open_image(mounts[i].src, &mounts[i].image, e)) {
            mounts_free(mounts, (int)i + 1);
            return -EINVAL;
        }
    }
    mounts_free(s->mounts, given);
    s->mounts = mounts;
    s->nmounts = (int)m->nmounts;
    return 0;
}

static int read_wset(const struct image *img, struct sandbox_restore *r)
{
    r->wset = image_read(img, IMAGE_WSET, WSET_MAX, NULL);
    r->wset_len = r->wset ? img->manifest.parts[IMAGE_WSET].size : 0;
    return r->wset ? 0 : -EIO;
}

/* A directory is the guest's to read, which the user has given; a file must be an image's root. */
static int may_have_root(const struct image *img, const struct run_options *o, struct error *e)
{
    const struct manifest *m = &img->manifest;
    struct stat st;

    if (o->rootfs || !m->rootfs || stat(m->rootfs, &st) || S_ISDIR(st.st_mode))
        return 0; /* what is missing is complained of later */
    if (m->root_image && img->made_here)
        return 0;
    error_say(e, -EPERM, "the image wants %s of this host, and was not made here by you",
              text_safe(m->rootfs));
    error_hint(e, "say what it may have as root: --rootfs IMAGE");
    return -EPERM;
}

int restore_fill(struct session *s, const struct image *img, const struct run_options *o,
                 const char *request, size_t request_len, struct error *e)
{
    struct sandbox_spec *spec = &s->sp.spec;
    const struct manifest *m = &img->manifest;
    struct sandbox_restore *restore = &s->restore;

    int code = cpu_check(m, e) || may_have_root(img, o, e) ? EXIT_NV : 0;
    if (!code)
        code = spec_fill_restored(&s->sp, o, m, e);
    if (!code && restore_mounts(spec, img, e))
        code = EXIT_NV;
    if (code)
        return code;
    baseline_restored(spec, m);
    *restore = (struct sandbox_restore){.kernel_fd = img->fd[IMAGE_KERNEL],
                                        .pages_fd = img->fd[IMAGE_PAGES],
                                        .request = request,
                                        .request_len = request_len};
    for (int i = IMAGE_MEMORY; i < IMAGE_NPARTS && img->fd[i] >= 0; i++)
        restore->memory_fds[restore->nmemories++] = img->fd[i];
    if (img->fd[IMAGE_WSET] >= 0 && read_wset(img, restore))
        return error_set(e, -EIO, "reading the working set"), EXIT_NV;
    spec->restore = restore;
    return 0;
}

void restore_release(struct session *s)
{
    struct sandbox_spec *spec = &s->sp.spec;

    mounts_free(spec->mounts, spec->nmounts);
    for (char **v = spec->argv; v && *v; v++)
        free(*v);
    free(spec->argv);
    free(spec->hostname);
    free(spec->cwd);
    free((void *)(uintptr_t)s->sp.rootfs);
    if (spec->restore)
        free((void *)(uintptr_t)spec->restore->wset);
    if (spec->root_image)
        close(spec->root_image);
    spec->root_image = 0;
    spec->mounts = NULL;
    spec->nmounts = 0;
    spec->argv = NULL;
    spec->hostname = spec->cwd = NULL;
    spec->restore = NULL;
    s->sp.rootfs = NULL;
}
