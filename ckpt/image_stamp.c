/*
 * Which files were found to have their manifest's digests. A stamp names the files by what changes
 * when they do; it lies in a directory of our own in memory, gone with the next boot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/state_dir.h"
#include "ckpt/image_internal.h"

#define STAMPS "verified"
#define MAGIC "NVSTAMP3"

bool image_others_may_write(const struct stat *st)
{
    return (st->st_uid != 0 && st->st_uid != geteuid()) || (st->st_mode & 022);
}

static bool id_of(int fd, struct image_id *id)
{
    struct timespec now;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) || image_others_may_write(&st) ||
        clock_gettime(CLOCK_REALTIME, &now))
        return false;
    *id = (struct image_id){.dev = st.st_dev,
                            .ino = st.st_ino,
                            .size = (uint64_t)st.st_size,
                            .mtime_s = st.st_mtim.tv_sec,
                            .mtime_ns = st.st_mtim.tv_nsec,
                            .ctime_s = st.st_ctim.tv_sec,
                            .ctime_ns = st.st_ctim.tv_nsec};
    int64_t age =
        (now.tv_sec - st.st_ctim.tv_sec) * NSEC_PER_SEC + now.tv_nsec - st.st_ctim.tv_nsec;
    return now.tv_sec - st.st_ctim.tv_sec > 1 || age >= IMAGE_SETTLED_NS;
}

bool image_stamp_make(const struct image *img, int manifest_fd, struct image_stamp *s)
{
    memset(s, 0, offsetof(struct image_stamp, part));
    memcpy(s->magic, MAGIC, sizeof(s->magic));
    bool ok = id_of(manifest_fd, &s->manifest);
    for (int i = 0; i < IMAGE_NPARTS && ok; i++) {
        if (i >= IMAGE_MEMORY && !img->manifest.parts[i].present)
            break;
        memset(&s->part[i], 0, sizeof(s->part[i]));
        s->nparts++;
        if (!img->manifest.parts[i].present)
            continue;
        ok = id_of(img->fd[i], &s->part[i].id);
        memcpy(s->part[i].sha256, img->manifest.parts[i].sha256, SHA256_LEN);
    }
    return ok;
}

size_t image_stamp_size(const struct image_stamp *s)
{
    return offsetof(struct image_stamp, part) + s->nparts * sizeof(s->part[0]);
}

static void stamp_name(const struct image_id *manifest, char name[40])
{
    snprintf(name, 40, "%llx-%llx", (unsigned long long)manifest->dev,
             (unsigned long long)manifest->ino);
}

bool image_stamp_holds(struct image_stamp *s)
{
    struct image_stamp have;
    char name[40];

    stamp_name(&s->manifest, name);
    cleanup_close int dir = state_dir_open(STAMPS, false);
    cleanup_close int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size = image_stamp_size(s);
    if (fd < 0 || read(fd, &have, size) != (ssize_t)size)
        return false;
    s->made_here = have.made_here;
    return !memcmp(&have, s, size);
}

void image_stamp_keep(const struct image_stamp *s)
{
    char name[40], tmp[IMAGE_TMP_NAME];
    cleanup_close int dir = state_dir_open(STAMPS, true);

    if (dir < 0)
        return; /* digests are computed again next time */
    image_tmp_name(tmp);
    stamp_name(&s->manifest, name);
    cleanup_close int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t size = image_stamp_size(s);
    if (fd >= 0 && (write(fd, s, size) != (ssize_t)size || renameat(dir, tmp, dir, name)))
        unlinkat(dir, tmp, 0);
}

void image_stamp_forget(int image_dir)
{
    struct image_id id = {0};
    struct stat st;
    char name[40];

    if (fstatat(image_dir, IMAGE_MANIFEST, &st, AT_SYMLINK_NOFOLLOW))
        return;
    id.dev = st.st_dev;
    id.ino = st.st_ino;
    stamp_name(&id, name);
    cleanup_close int dir = state_dir_open(STAMPS, false);
    if (dir >= 0)
        unlinkat(dir, name, 0);
}
