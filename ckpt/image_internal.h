/* What the parts of image.h share. */
#ifndef NV_CKPT_IMAGE_INTERNAL_H
#define NV_CKPT_IMAGE_INTERNAL_H

#include <limits.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "ckpt/image.h"

#define IMAGE_MANIFEST "manifest.json"
#define IMAGE_SIGNATURE "manifest.sig"
#define IMAGE_TMP_PREFIX ".nv-image." /* followed by TMP_DIGITS digits */

/* image_store.c */
/* Where nv keeps what is to stay: malloc'ed; NULL: not known, or out of memory. */
char *image_data_dir(void);
/* Splits a path of image_path(): the open parent directory, and the name in it. */
int image_parent(const char *path, const char **name, struct error *e);
/* Is this directory an image, or empty? Other directories are never replaced or removed. */
bool image_may_remove(int parent, const char *name);
/* mkdir -p, 0700 for what is made. */
int image_make_dirs(const char *path, struct error *e);
/* A name of our own that nothing in parent has, most likely. */
#define IMAGE_TMP_NAME 32
void image_tmp_name(char name[IMAGE_TMP_NAME]);
/*
 * Where directories cannot be exchanged, an image that is replaced has another name for a moment,
 * by which it is found, and put back if the writer died then. -ENAMETOOLONG, or 0.
 */
int image_aside_name(const char *base, char name[NAME_MAX + 1]);
/* The directory of an image that has stepped aside, or -1 with errno. */
int image_open_aside(const char *path);
/* Removes an image's files and directory, whatever of it is there. */
void image_dir_remove(int parent, const char *name);
/* Removes what writers that died have left in parent. */
void image_sweep(int parent);

/* image_stamp.c: which files have been found to have the manifest's digests. */
/*
 * Younger files are not remembered: of two changes within one tick of the clock for files, the
 * second would not be seen.
 */
#define IMAGE_SETTLED_NS (20 * NSEC_PER_MSEC)
struct image_id {
    uint64_t dev, ino, size;
    int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};
struct image_stamp {
    char magic[8];
    uint64_t made_here; /* not compared, but remembered */
    uint64_t nparts;    /* in use; the rest is not kept */
    struct image_id manifest;
    struct {
        struct image_id id;
        uint8_t sha256[SHA256_LEN];
    } part[IMAGE_NPARTS];
};
size_t image_stamp_size(const struct image_stamp *s);
/* false: the files can be changed by others, or cannot be looked at. */
bool image_stamp_make(const struct image *img, int manifest_fd, struct image_stamp *s);
/* Was it kept? s->made_here then is what was kept with it. */
bool image_stamp_holds(struct image_stamp *s);
void image_stamp_keep(const struct image_stamp *s);
/* The manifest in this directory goes away. */
void image_stamp_forget(int dir);

/* image_made.c: images made by this user on this host. */
void image_made_keep(const char *text, size_t len);
bool image_made_here(const char *text, size_t len);
/* The image in this directory goes away. */
void image_made_forget(int image_dir);

bool image_others_may_write(const struct stat *st);

#endif
