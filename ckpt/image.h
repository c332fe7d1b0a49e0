/*
 * Images on disk: a directory with manifest.json, kernel, pages and, once a restore has recorded
 * it, wset; manifest.sig if it is signed.
 *
 * An image appears, is replaced and disappears by one rename of its directory: whoever opens it
 * gets all of the old or all of the new one, whenever a writer dies. Files never change once
 * they have their name. What an open image hands out are descriptors; nothing is opened by name
 * again after it was checked.
 */
#ifndef NV_CKPT_IMAGE_H
#define NV_CKPT_IMAGE_H

#include <stdbool.h>

#include "base/error.h"
#include "ckpt/manifest.h"

/* --- the store --- */
/*
 * $NV_IMAGE_DIR, else images in $NV_DATA_DIR, that is /var/lib/nv for root, $XDG_DATA_HOME/nv or
 * ~/.local/share/nv for others. malloc'ed; NULL with e set.
 */
char *image_store_dir(struct error *e);
/*
 * The directory of an image: NAME is one in the store; with a slash in it, it is a path. malloc'ed,
 * absolute and free of symbolic links if its parent exists; NULL with e set: not a name.
 */
char *image_path(const char *name, struct error *e);
/* The same for an image to be made: the store exists afterwards. */
char *image_path_new(const char *name, struct error *e);
/* Calls fn for each image of the store, sorted by name. */
int image_list(void (*fn)(void *arg, const char *name, const char *path), void *arg,
               struct error *e);
/* Removes an image; sandboxes that were restored from it keep what they have open. */
int image_remove(const char *name, struct error *e);

/* --- writing --- */
struct image_writer;
/*
 * Begins an image beside its place and removes what writers that died have left there. The parent
 * directory of a path must exist; the store is made. NULL with e set.
 */
struct image_writer *image_create(const char *name, struct error *e);
/* Open for reading and writing, empty at first; the writer's. */
int image_writer_fd(const struct image_writer *w, enum image_part part);
/* The same for a part of IMAGE_MEMORY and up, which is made now; or negative errno. */
int image_writer_add(struct image_writer *w, int part);
/*
 * Nobody else may have a part open for writing by now. Digests the parts into m (its format and
 * parts are set here, its time unless it has one), writes the manifest, brings everything to the
 * disk and puts the image in its place. w is gone afterwards. On failure an image that was there is
 * as it was.
 */
int image_commit(struct image_writer *w, struct manifest *m, struct error *e);
/*
 * The same with the manifest, and the signature if there is one, of an image that was somewhere
 * else: the parts must be what it says.
 */
int image_commit_copy(struct image_writer *w, const char *text, size_t len,
                      const uint8_t sig[SIGNATURE_LEN], struct error *e);
void image_abort(struct image_writer *w); /* may be NULL */

/* --- opening --- */
enum image_flags {
    IMAGE_TRUST = 1, /* digests are not looked at */
    IMAGE_FULL = 2,  /* they are computed even if that was done before */
    IMAGE_MAP = 4,   /* memory will be mapped, code too: copied if it lies on a noexec mount */
};

struct image {
    char *path; /* resolved */
    int dir;
    struct manifest manifest;
    char *text; /* of the manifest, as signed */
    size_t text_len;
    int fd[IMAGE_NPARTS]; /* read-only; -1: there is none */
    bool is_signed;       /* by whom is not known unless a signature was required */
    bool made_here; /* by this user on this host; else it may not name directories of the host */
    bool digested;  /* digests were computed, not remembered */
};

/*
 * Opens and checks. Digests are computed once and then remembered while the files stay the same;
 * files that users other than us and root could change are copied into memory while they are
 * digested. require_signature: a public key whose signature the image must have, or NULL.
 */
int image_open(struct image *img, const char *name, unsigned int flags,
               const char *require_signature, struct error *e);
void image_close(struct image *img);
/* For who has just made it: checks it now and remembers that, so that the first use need not. */
int image_check_ahead(const char *name, struct error *e);
/* The whole of a part, which must not be larger than max; malloc'ed, NULL with e set. */
void *image_read(const struct image *img, enum image_part part, uint64_t max, struct error *e);

/* --- changing --- */
/* Signs with a private key. The signature goes when the image is written or optimized again. */
int image_sign(const char *name, const char *key_file, struct error *e);
/* The image again with another working set, and without a signature. */
int image_set_wset(const char *name, const void *data, size_t len, struct error *e);

#endif
