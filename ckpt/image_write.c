/*
 * Writing images. Steps, each of which may be the last one:
 *
 *   1 directory with a temporary name, locked    removed by the next writer's sweep
 *   2 parts, manifest, all on the disk           the same
 *   3 rename or exchange with the one there      now the new one counts
 *     (without RENAME_EXCHANGE: the old one steps aside first, and is still found there)
 *   4 the old one, under the temporary name,     removed by the next writer's sweep: its lock is
 *     is removed                                 nobody's
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/image_internal.h"

#define TRIES 16

struct image_writer {
    char *path;
    const char *base; /* the name in parent; of path */
    int parent, dir;  /* dir carries the lock */
    int fd[IMAGE_NPARTS];
    char tmp[IMAGE_TMP_NAME];
};

static void writer_free(struct image_writer *w)
{
    for (int i = 0; i < IMAGE_NPARTS; i++)
        if (w->fd[i] >= 0)
            close(w->fd[i]);
    if (w->dir >= 0)
        close(w->dir);
    if (w->parent >= 0)
        close(w->parent);
    free(w->path);
    free(w);
}

void image_abort(struct image_writer *w)
{
    if (!w)
        return;
    if (w->tmp[0])
        image_dir_remove(w->parent, w->tmp);
    writer_free(w);
}

static int make_tmp(struct image_writer *w)
{
    struct stat st;

    for (int i = 0; i < TRIES; i++) {
        image_tmp_name(w->tmp);
        if (mkdirat(w->parent, w->tmp, 0700)) {
            if (errno == EEXIST)
                continue;
            int err = -errno;
            w->tmp[0] = 0;
            return err;
        }
        w->dir = openat(w->parent, w->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* Until it is locked, another writer's sweep takes it for a leftover. */
        if (w->dir >= 0 && !flock(w->dir, LOCK_EX | LOCK_NB) && !fstat(w->dir, &st) && st.st_nlink)
            return 0;
        if (w->dir >= 0)
            close(w->dir);
        w->dir = -1;
    }
    return -EBUSY;
}

int image_writer_add(struct image_writer *w, int part)
{
    if (w->fd[part] >= 0)
        return -EEXIST;
    w->fd[part] =
        openat(w->dir, image_part_name(part), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return w->fd[part] < 0 ? -errno : w->fd[part];
}

static int make_files(struct image_writer *w)
{
    for (int i = 0; i < IMAGE_MEMORY; i++) {
        int fd = image_writer_add(w, i);
        if (fd < 0)
            return fd;
    }
    return 0;
}

static int check_place(const struct image_writer *w, struct error *e)
{
    if (faccessat(w->parent, w->base, F_OK, AT_SYMLINK_NOFOLLOW) ||
        image_may_remove(w->parent, w->base))
        return 0;
    error_say(e, -EEXIST, "%s is there and is not an image, or has other files in it", w->path);
    error_hint(e, "choose another name; only images and empty directories are replaced");
    return -EEXIST;
}

static struct image_writer *writer_new(const char *name, struct error *e)
{
    struct image_writer *w = malloc(sizeof(*w));

    if (!w) {
        error_set(e, -ENOMEM, "creating image %s", name);
        return NULL;
    }
    *w = (struct image_writer){.parent = -1, .dir = -1};
    memset(w->fd, -1, sizeof(w->fd));
    w->path = image_path_new(name, e);
    w->parent = w->path ? image_parent(w->path, &w->base, e) : -1;
    if (w->parent < 0)
        goto bad;
    image_sweep(w->parent);
    if (check_place(w, e))
        goto bad;
    int err = make_tmp(w);
    if (!err)
        return w;
    error_set(e, err, "creating image %s", w->path);
bad:
    image_abort(w);
    return NULL;
}

struct image_writer *image_create(const char *name, struct error *e)
{
    struct image_writer *w = writer_new(name, e);
    int err = w ? make_files(w) : 0;

    if (!err)
        return w;
    error_set(e, err, "creating image %s", w->path);
    image_abort(w);
    return NULL;
}

int image_writer_fd(const struct image_writer *w, enum image_part part)
{
    return w->fd[part];
}

/* --- the end --- */
/*
 * Sandboxes had descriptors to write to. One that goes on and has kept one could change the image
 * behind our back: a read lease is not to be had of a file that is open for writing, or mapped so
 * (fcntl(2)). File systems without leases are believed.
 */
static int make_final(struct image_writer *w, int i)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd[i]);
    int fd = fchmod(w->fd[i], 0444) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    close(w->fd[i]);
    w->fd[i] = fd;
    if (fcntl(fd, F_SETLEASE, F_RDLCK))
        return errno == EAGAIN ? -ETXTBSY : 0;
    return fcntl(fd, F_SETLEASE, F_UNLCK) ? -errno : 0;
}

static int finish_part(struct image_writer *w, int i, struct manifest_part *p, struct error *e)
{
    const char *name = image_part_name(i);
    struct stat st;

    *p = (struct manifest_part){.present = false};
    if (w->fd[i] < 0)
        return 0;
    int err = make_final(w, i);
    if (err == -ETXTBSY)
        return error_say(e, err, "the sandbox still has %s of %s open for writing", name, w->path);
    if (err || fstat(w->fd[i], &st))
        return error_set(e, err ? err : -errno, "writing %s of %s", name, w->path);
    *p = (struct manifest_part){.present = i != IMAGE_WSET || st.st_size,
                                .size = (uint64_t)st.st_size};
    if (!p->present)
        return unlinkat(w->dir, name, 0) ? error_set(e, -errno, "%s of %s", name, w->path) : 0;
    /* The disk works while we digest. */
    sync_file_range(w->fd[i], 0, 0, SYNC_FILE_RANGE_WRITE);
    err = sha256_file(w->fd[i], p->size, -1, p->sha256, e);
    if (err)
        return err;
    return fsync(w->fd[i]) ? error_set(e, -errno, "writing %s of %s", name, w->path) : 0;
}

static int write_file(int dir, const char *name, const void *data, size_t len)
{
    cleanup_close int fd =
        openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    ssize_t n = fd < 0 ? -1 : write(fd, data, len);

    if (n < 0)
        return -errno;
    if ((size_t)n != len)
        return -ENOSPC;
    return fchmod(fd, 0444) || fsync(fd) ? -errno : 0;
}

/* *text is the manifest's, malloc'ed. */
static int finish_manifest(struct image_writer *w, struct manifest *m, char **text, struct error *e)
{
    char now[32];
    struct tm tm;
    time_t t = time(NULL);

    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    if (!m->created)
        m->created = strdup(now);
    m->format = MANIFEST_FORMAT;
    *text = manifest_format(m, e);
    if (!*text)
        return -EINVAL;
    int err = write_file(w->dir, IMAGE_MANIFEST, *text, strlen(*text));
    return err ? error_set(e, err, "writing the manifest of %s", w->path) : 0;
}

static bool is_there(const struct image_writer *w)
{
    return !faccessat(w->parent, w->base, F_OK, AT_SYMLINK_NOFOLLOW);
}

/*
 * For file systems that cannot exchange directories: in two steps, with the old image found under
 * another name in between. A sweep may put it back then: again.
 */
static int step_aside(struct image_writer *w)
{
    char aside[NAME_MAX + 1];
    int err = image_aside_name(w->base, aside);

    for (int i = 0; i < TRIES && !err; i++) {
        if (is_there(w)) {
            image_dir_remove(w->parent, aside);
            if (renameat(w->parent, w->base, w->parent, aside) && errno != ENOENT)
                return -errno;
        }
        if (!renameat(w->parent, w->tmp, w->parent, w->base)) {
            w->tmp[0] = 0;
            fsync(w->parent);
            image_dir_remove(w->parent, aside);
            return 0;
        }
        if (errno != EEXIST && errno != ENOTEMPTY)
            err = -errno;
    }
    if (!is_there(w))
        renameat(w->parent, aside, w->parent, w->base);
    return err ? err : -EBUSY;
}

/* Our directory gets its name; what had it has ours, and goes. */
static int take_place(struct image_writer *w, struct error *e)
{
    int err = fsync(w->dir) ? error_set(e, -errno, "writing image %s", w->path) : check_place(w, e);

    if (err)
        return err;
    if (!renameat(w->parent, w->tmp, w->parent, w->base)) { /* it was free, or an empty directory */
        w->tmp[0] = 0;
    } else if (errno != EEXIST && errno != ENOTEMPTY) {
        return error_set(e, -errno, "putting image %s in its place", w->path);
    } else if (renameat2(w->parent, w->tmp, w->parent, w->base, RENAME_EXCHANGE)) {
        err = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ? step_aside(w) : -errno;
        if (err)
            return error_set(e, err, "replacing image %s", w->path);
    }
    return fsync(w->parent) ? error_set(e, -errno, "putting image %s in its place", w->path) : 0;
}

/* is_own: it may name directories of the host. */
static int finish(struct image_writer *w, struct manifest *m, bool is_own, struct error *e)
{
    cleanup_free char *text = NULL;
    bool keep = is_own && (m->nmounts || m->root_image);
    int err = finish_manifest(w, m, &text, e);

    if (!err && keep)
        image_made_keep(text, strlen(text));
    if (!err)
        err = take_place(w, e);
    image_abort(w);   /* of the image that was there before, or of ours when it failed */
    if (!err && keep) /* again: the image that was there may have been the same */
        image_made_keep(text, strlen(text));
    return err;
}

static int finish_parts(struct image_writer *w, struct manifest_part *p, struct error *e)
{
    int err = 0;

    for (int i = 0; i < IMAGE_NPARTS && !err; i++)
        err = finish_part(w, i, &p[i], e);
    return err;
}

int image_commit(struct image_writer *w, struct manifest *m, struct error *e)
{
    int err = finish_parts(w, m->parts, e);

    if (!err)
        return finish(w, m, true, e);
    image_abort(w);
    return err;
}

int image_commit_copy(struct image_writer *w, const char *text, size_t len,
                      const uint8_t sig[SIGNATURE_LEN], struct error *e)
{
    cleanup_manifest struct manifest m = {0};
    struct manifest_part parts[IMAGE_NPARTS] = {0};
    int err = manifest_parse(text, len, &m, e);

    if (!err)
        err = finish_parts(w, parts, e);
    for (int i = 0; i < IMAGE_NPARTS && !err; i++)
        if (parts[i].present != m.parts[i].present || parts[i].size != m.parts[i].size ||
            (parts[i].present && memcmp(parts[i].sha256, m.parts[i].sha256, SHA256_LEN)))
            err = error_say(e, -EBADMSG, "%s is not what the manifest says", image_part_name(i));
    if (!err)
        err = write_file(w->dir, IMAGE_MANIFEST, text, len);
    if (!err && sig)
        err = write_file(w->dir, IMAGE_SIGNATURE, sig, SIGNATURE_LEN);
    if (err && !(e && e->what))
        error_set(e, err, "writing image %s", w->path);
    if (!err)
        err = take_place(w, e);
    image_abort(w);
    return err;
}

/* --- images made of others --- */
static int copy_part(struct image_writer *w, const struct image *img, int i)
{
    uint64_t left = img->manifest.parts[i].size;
    off_t at = 0;
    cleanup_close int fd =
        openat(w->dir, image_part_name(i), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    while (left) {
        ssize_t n = sendfile(fd, img->fd[i], &at, MIN(left, 1UL << 30));
        if (n <= 0)
            return n ? -errno : -EIO;
        left -= (uint64_t)n;
    }
    return fchmod(fd, 0444) || fsync(fd) ? -errno : 0;
}

/* The same file by its descriptor: its name may mean another by now. */
static int link_part(struct image_writer *w, const struct image *img, int i)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", img->fd[i]);
    if (!linkat(AT_FDCWD, path, w->dir, image_part_name(i), AT_SYMLINK_FOLLOW))
        return 0;
    return copy_part(w, img, i); /* a file of somebody else, or a copy in memory */
}

int image_set_wset(const char *name, const void *data, size_t len, struct error *e)
{
    struct image img;
    int err = image_open(&img, name, 0, NULL, e);

    if (err)
        return err;
    struct manifest_part *p = &img.manifest.parts[IMAGE_WSET];
    *p = (struct manifest_part){.present = true, .size = len};
    err = sha256_data(data, len, p->sha256, e);
    struct image_writer *w = err ? NULL : writer_new(img.path, e);
    if (w) {
        for (int i = 0; i < IMAGE_NPARTS && !err; i++)
            err = i != IMAGE_WSET && img.fd[i] >= 0 ? link_part(w, &img, i) : 0;
        if (!err)
            err = write_file(w->dir, image_part_name(IMAGE_WSET), data, len);
        if (err) {
            error_set(e, err, "writing the working set of %s", img.path);
            image_abort(w);
        } else {
            err = finish(w, &img.manifest, img.made_here, e);
        }
    } else if (!err) {
        err = e && e->code ? e->code : -EIO;
    }
    image_close(&img);
    return err;
}

int image_sign(const char *name, const char *key_file, struct error *e)
{
    uint8_t sig[SIGNATURE_LEN];
    char tmp[IMAGE_TMP_NAME];
    struct image img;
    int err = image_open(&img, name, 0, NULL, e);

    if (err)
        return err;
    err = signature_make(key_file, img.text, img.text_len, sig, e);
    if (!err) {
        image_tmp_name(tmp);
        err = write_file(img.dir, tmp, sig, sizeof(sig));
        if (!err && (renameat(img.dir, tmp, img.dir, IMAGE_SIGNATURE) || fsync(img.dir)))
            err = -errno;
        if (err) {
            unlinkat(img.dir, tmp, 0);
            error_set(e, err, "writing the signature of %s", img.path);
        }
    }
    image_close(&img);
    return err;
}
