/*
 * manifest.json of an image: what it needs, what it is of, and digests of its other files. Whoever
 * made the image chose its content: parsing bounds everything; fields it does not know are ignored.
 */
#ifndef NV_CKPT_MANIFEST_H
#define NV_CKPT_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ckpt/crypto.h"
#include "ckpt/record.h"

#define MANIFEST_FORMAT 2 /* MANIFEST_FORMAT - 1 is read, too */
#define MANIFEST_MAX (1UL << 20)
#define MANIFEST_MOUNTS_MAX 64
#define MANIFEST_GROUPS_MAX 64
#define MANIFEST_ANNOTATIONS_MAX 64

/* One file of memory for each address space. */
enum image_part {
    IMAGE_KERNEL,
    IMAGE_PAGES,
    IMAGE_WSET,
    IMAGE_MEMORY,
    IMAGE_NPARTS = IMAGE_MEMORY + CKPT_MEMORIES_MAX
};
const char *image_part_name(int part);

struct manifest_list {
    char **v;
    unsigned int n;
};

struct manifest_mount {
    char *source, *destination;
    bool readonly, image; /* image: source is an EROFS image */
};

struct manifest_part {
    bool present; /* `wset` comes with the first restore; memory: none after the first missing */
    uint64_t size;
    uint8_t sha256[SHA256_LEN];
};

/* Strings and lists are owned; NULL, empty and 0 are "not given". */
struct manifest {
    uint64_t format;
    char *created; /* RFC 3339, UTC */
    char *nv_version, *nv_build;
    char *platform, *kernel_release;   /* of the host it was saved on: no requirement */
    char *cpu_level;                   /* --cpu */
    uint64_t cpu_enforced;             /* 1: CPUID itself told the guest of nothing else */
    struct manifest_list cpu_features; /* what the guest may have found: restore needs all */
    uint64_t xsave_features, xsave_size;
    struct manifest_list command;     /* informative, and cut when very long */
    struct manifest_list environment; /* names only */
    char *cwd;
    uint64_t uid, gid;
    uint64_t groups[MANIFEST_GROUPS_MAX];
    unsigned int ngroups;
    char *runtime, *runtime_version; /* "node" */
    char *hostname;
    uint64_t memory, cpus;
    char *rootfs;        /* where it was: informative */
    uint64_t root_image; /* 1: it is an EROFS image */
    struct manifest_mount mounts[MANIFEST_MOUNTS_MAX];
    unsigned int nmounts;
    char *content_key; /* of nv warm: what the image was made of */
    struct manifest_list annotation_keys, annotation_values;
    struct manifest_part parts[IMAGE_NPARTS];
};

void manifest_free(struct manifest *m);
#define cleanup_manifest __attribute__((cleanup(manifest_free)))

/* text need not end with a zero. On failure m is empty. */
int manifest_parse(const char *text, size_t len, struct manifest *m, struct error *e);
/* A new reference; NULL: out of memory. */
json_t *manifest_to_json(const struct manifest *m);
/* malloc'ed text; NULL with e set: it would not be read again. */
char *manifest_format(const struct manifest *m, struct error *e);

/* Appends a copy. 0 or -ENOMEM. */
int manifest_list_add(struct manifest_list *l, const char *s);
int manifest_add_mount(struct manifest *m, const char *source, const char *destination,
                       bool readonly, bool image);
/* Sets or replaces. */
int manifest_annotate(struct manifest *m, const char *key, const char *value);

#endif
