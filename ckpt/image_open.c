/* Opening images: everything in them is checked by descriptor, and used by the same descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ckpt/image_internal.h"

#define REPLACED_MAX 16 /* times in a row that a writer may be faster */

static void init(struct image *img)
{
    *img = (struct image){.dir = -1};
    memset(img->fd, -1, sizeof(img->fd));
}

void image_close(struct image *img)
{
    for (int i = 0; i < IMAGE_NPARTS; i++)
        if (img->fd[i] >= 0)
            close(img->fd[i]);
    if (img->dir >= 0)
        close(img->dir);
    free(img->path);
    free(img->text);
    manifest_free(&img->manifest);
    init(img);
}

/* An ordinary file of the image, opened once; a FIFO, a link or a directory is none. */
static int open_file(const struct image *img, const char *name, struct stat *st, struct error *e)
{
    cleanup_close int fd =
        openat(img->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, st))
        return error_set(e, -errno, "%s of image %s", name, img->path);
    if (!S_ISREG(st->st_mode))
        return error_say(e, -EBADMSG, "%s of image %s is not a file", name, img->path);
    return steal_fd(&fd);
}

static int read_all(int fd, char *to, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t r = pread(fd, to + have, n - have, (off_t)have);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r ? -errno : -EBADMSG;
        have += (size_t)r;
    }
    return 0;
}

/* The descriptor of the manifest. */
static int read_manifest(struct image *img, struct error *e)
{
    struct stat st = {0};
    cleanup_close int fd = open_file(img, IMAGE_MANIFEST, &st, e);

    if (fd < 0)
        return fd;
    if (st.st_size > (off_t)MANIFEST_MAX)
        return error_say(e, -EFBIG, "manifest.json of %s is larger than %lu KiB", img->path,
                         MANIFEST_MAX >> 10);
    img->text_len = (size_t)st.st_size;
    img->text = malloc(img->text_len + 1);
    if (!img->text)
        return error_set(e, -ENOMEM, "image %s", img->path);
    int err = read_all(fd, img->text, img->text_len);
    if (err)
        return error_set(e, err, "reading manifest.json of %s", img->path);
    img->text[img->text_len] = 0;
    err = manifest_parse(img->text, img->text_len, &img->manifest, e);
    return err ? err : steal_fd(&fd);
}

void *image_read(const struct image *img, enum image_part part, uint64_t max, struct error *e)
{
    uint64_t size = img->manifest.parts[part].size;

    if (img->fd[part] < 0 || size > max) {
        error_say(e, -EFBIG, "image %s has no %s, or a very large one", img->path,
                  image_part_name((int)part));
        return NULL;
    }
    cleanup_free char *data = malloc(size + 1);
    int err = data ? read_all(img->fd[part], data, size) : -ENOMEM;
    if (!err)
        return steal_ptr(&data);
    error_set(e, err, "reading %s of image %s", image_part_name((int)part), img->path);
    return NULL;
}

static int check_signature(struct image *img, const char *key, struct error *e)
{
    uint8_t sig[SIGNATURE_LEN];
    struct stat st;
    cleanup_close int fd =
        openat(img->dir, IMAGE_SIGNATURE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    img->is_signed = fd >= 0;
    if (!key)
        return 0;
    if (fd < 0) {
        error_say(e, -EKEYREJECTED, "image %s is not signed, and a signature is required",
                  img->path);
        error_hint(e, "nv image sign %s --key FILE signs it", img->path);
        return -EKEYREJECTED;
    }
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size != SIGNATURE_LEN ||
        read_all(fd, (char *)sig, sizeof(sig)))
        return error_say(e, -EKEYREJECTED, "the signature of image %s is damaged", img->path);
    int err = signature_check(key, img->text, img->text_len, sig, e);
    if (err == -EKEYREJECTED)
        error_hint(e, "another key signed image %s, or it was changed since", img->path);
    return err;
}

static int open_parts(struct image *img, struct error *e)
{
    struct stat st = {0};

    for (int i = 0; i < IMAGE_NPARTS; i++) {
        const struct manifest_part *p = &img->manifest.parts[i];
        if (!p->present)
            continue;
        img->fd[i] = open_file(img, image_part_name(i), &st, e);
        if (img->fd[i] < 0)
            return img->fd[i];
        if ((uint64_t)st.st_size != p->size) {
            error_say(e, -EBADMSG, "%s of image %s has %lld bytes instead of %llu",
                      image_part_name(i), img->path, (long long)st.st_size,
                      (unsigned long long)p->size);
            error_hint(e, "the image is damaged: make it again, or import it again");
            return -EBADMSG;
        }
    }
    return 0;
}

/* Holes stay holes. */
static int copy_all(int from, int to, uint64_t size)
{
    off_t end = (off_t)size;

    if (ftruncate(to, end))
        return -errno;
    for (off_t at = lseek(from, 0, SEEK_DATA); at >= 0 && at < end;
         at = lseek(from, at, SEEK_DATA)) {
        off_t stop = lseek(from, at, SEEK_HOLE);
        if (stop < 0 || lseek(to, at, SEEK_SET) != at)
            return -errno;
        while (at < stop) {
            ssize_t n = sendfile(to, from, &at, (size_t)(stop - at));
            if (n <= 0)
                return n ? -errno : -EIO;
        }
    }
    return 0;
}

/* A copy in memory that nobody can change takes the place of a file that others could. */
static int replace_by_copy(struct image *img, int i, int copy)
{
    char path[32];

    if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    close(img->fd[i]);
    img->fd[i] = fd;
    return 0;
}

/*
 * What is mapped from a noexec mount can never be made executable, and guests have code in their
 * memory. Sandboxes then do not share it.
 */
static int make_mappable(struct image *img, struct error *e)
{
    for (int i = 0; i < IMAGE_NPARTS; i++) {
        bool mapped = i >= IMAGE_MEMORY || (i == IMAGE_PAGES && img->manifest.format < 2);
        struct statvfs fs;
        if (!mapped || img->fd[i] < 0 || fstatvfs(img->fd[i], &fs) || !(fs.f_flag & ST_NOEXEC))
            continue;
        cleanup_close int copy = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int err = copy < 0 ? -errno : copy_all(img->fd[i], copy, img->manifest.parts[i].size);
        if (!err)
            err = replace_by_copy(img, i, copy);
        if (err)
            return error_set(e, err, "copying %s of image %s, which is on a noexec mount",
                             image_part_name(i), img->path);
    }
    return 0;
}

static int digest_part(struct image *img, int i, struct error *e)
{
    const struct manifest_part *p = &img->manifest.parts[i];
    cleanup_close int copy = -1;
    uint8_t digest[SHA256_LEN];
    struct stat st;

    if (fstat(img->fd[i], &st))
        return error_set(e, -errno, "%s of image %s", image_part_name(i), img->path);
    if (image_others_may_write(&st)) {
        copy = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (copy < 0)
            return error_set(e, -errno, "copying %s of image %s", image_part_name(i), img->path);
    }
    int err = sha256_file(img->fd[i], p->size, copy, digest, e);
    if (err)
        return err;
    if (memcmp(digest, p->sha256, SHA256_LEN)) {
        error_say(e, -EBADMSG, "%s of image %s does not have the digest of the manifest",
                  image_part_name(i), img->path);
        error_hint(e, "the image is damaged or was tampered with: make it again");
        return -EBADMSG;
    }
    err = copy < 0 ? 0 : replace_by_copy(img, i, copy);
    return err ? error_set(e, err, "copying %s of image %s", image_part_name(i), img->path) : 0;
}

static bool made_here(const struct image *img)
{
    return (!img->manifest.nmounts && !img->manifest.root_image) ||
           image_made_here(img->text, img->text_len);
}

static int check_digests(struct image *img, int manifest_fd, bool full, struct error *e)
{
    struct image_stamp before, after;
    bool known = image_stamp_make(img, manifest_fd, &before);

    if (known && !full && image_stamp_holds(&before)) {
        img->made_here = before.made_here;
        return 0;
    }
    img->digested = true;
    for (int i = 0; i < IMAGE_NPARTS; i++) {
        int err = img->manifest.parts[i].present ? digest_part(img, i, e) : 0;
        if (err)
            return err;
    }
    img->made_here = made_here(img);
    before.made_here = img->made_here;
    if (!known || !image_stamp_make(img, manifest_fd, &after))
        return 0;
    after.made_here = before.made_here;
    if (!memcmp(&before, &after, image_stamp_size(&before)))
        image_stamp_keep(&before);
    return 0;
}

static int open_checked(struct image *img, const char *name, unsigned int flags, const char *key,
                        struct error *e)
{
    if (key && (flags & IMAGE_TRUST)) {
        error_say(e, -EINVAL, "a signature is required, and digests are not to be looked at");
        error_hint(e, "the signature is of the digests: leave out --trust");
        return -EINVAL;
    }
    img->path = image_path(name, e);
    if (!img->path)
        return -EINVAL;
    img->dir = open(img->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (img->dir < 0 && errno == ENOENT)
        img->dir = image_open_aside(img->path);
    if (img->dir < 0) {
        int err = error_set(e, -errno, "image %s", img->path);
        if (err == -ENOENT)
            error_hint(e, "nv image ls lists the images there are");
        return err;
    }
    cleanup_close int manifest_fd = read_manifest(img, e);
    if (manifest_fd < 0)
        return manifest_fd;
    int err = check_signature(img, key, e);
    if (!err)
        err = open_parts(img, e);
    if (!err && !(flags & IMAGE_TRUST))
        err = check_digests(img, manifest_fd, flags & IMAGE_FULL, e);
    else
        img->made_here = !err && made_here(img);
    return !err && (flags & IMAGE_MAP) ? make_mappable(img, e) : err;
}

/* Somebody replaced the image while its files were being opened. */
static bool was_replaced(const struct image *img)
{
    struct stat opened, there;

    return img->dir >= 0 && !fstat(img->dir, &opened) && !stat(img->path, &there) &&
           (opened.st_ino != there.st_ino || opened.st_dev != there.st_dev);
}

int image_open(struct image *img, const char *name, unsigned int flags,
               const char *require_signature, struct error *e)
{
    int err = 0;

    for (int i = 0; i < REPLACED_MAX; i++) {
        init(img);
        err = open_checked(img, name, flags, require_signature, e);
        if (!err) {
            if (i && e)
                error_free(e); /* of the one that was replaced */
            return 0;
        }
        bool again = err == -ENOENT && was_replaced(img);
        image_close(img);
        if (!again)
            break;
    }
    return err;
}

int image_check_ahead(const char *name, struct error *e)
{
    const struct timespec settle = {.tv_nsec = IMAGE_SETTLED_NS + 5 * NSEC_PER_MSEC};
    struct image img;

    nanosleep(&settle, NULL);
    int err = image_open(&img, name, 0, NULL, e);
    if (!err)
        image_close(&img);
    return err;
}
