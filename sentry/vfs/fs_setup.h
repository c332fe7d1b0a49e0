/*
 * Making and changing file systems: what mount(2) and fsopen(2) have in common. A setup collects
 * parameters, says what is wrong with them in a log that the guest may read, and becomes a
 * superblock.
 */
#ifndef NV_SENTRY_VFS_FS_SETUP_H
#define NV_SENTRY_VFS_FS_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sentry/vfs/vfs.h"

#define SB_FLAGS (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME)
#define SETUP_LOG 8 /* messages kept, as Linux does */
#define ENOPARAM_ 519

struct ckpt_field;
struct ckpt_reader;
struct ckpt_writer;
struct fs_setup;
struct user_ns;

/* A value is NULL for a flag. Parameters: 0, or -errno, -ENOPARAM_ for what is not known. */
struct fs_type {
    const char *name;
    bool nodev, userns;   /* as in /proc/filesystems; to be mounted in user namespaces */
    bool ignores_unknown; /* parameters */
    bool reveals;         /* the system: not to be had anew where it was taken away */
    bool escapes;         /* a backslash before a comma makes it part of a value */
    /* Whose privileges it takes; NULL: those of the mounting task's user namespace. */
    struct user_ns *(*owner)(const struct task *t);
    size_t opts_size; /* of setup->opts, zeroed */
    int (*param)(struct fs_setup *s, const char *key, const char *value);
    /* A value that is an open file; NULL: there are none. */
    int (*param_path)(struct fs_setup *s, const char *key, const struct path *p);
    int (*make)(struct fs_setup *s, struct superblock **out);
    int (*reconfigure)(struct fs_setup *s); /* of s->sb; NULL: nothing to change */
    const struct super_ops *super;          /* of what it makes, if reconfigure() looks into it */
    void (*free_opts)(void *opts);
    /* Checkpoints of opts: what is plain, and the rest; link_opts() checks, with all objects there.
     */
    const struct ckpt_field *opts_fields;
    unsigned int nopts_fields;
    void (*save_opts)(struct ckpt_writer *w, const void *opts);
    void (*load_opts)(struct ckpt_reader *r, void *opts);
    void (*link_opts)(struct ckpt_reader *r, const void *opts);
};
#define OPTS_FIELDS(t) .opts_fields = (t), .nopts_fields = sizeof(t) / sizeof((t)[0])

struct fs_setup {
    const struct fs_type *type;
    struct task *t; /* on whose behalf; only during calls */
    char *source;
    unsigned long flags, flags_mask; /* SB_FLAGS that are set, and that were named */
    void *opts;
    bool old_api;          /* mount(2) */
    struct superblock *sb; /* made, or to be changed; owned */
    char *log[SETUP_LOG];
    unsigned int log_first, nlog;
};

/* What fsopen(2) and fspick(2) give: mount_fd.c. */
enum setup_phase { SETUP_CREATING, SETUP_MADE, SETUP_CHANGING, SETUP_CHANGED, SETUP_FAILED };
struct setup_file {
    struct fs_setup *s;
    enum setup_phase phase;
};
extern const struct ckpt_type ckpt_fs_setup;

extern const struct fs_type fs_type_other;     /* of those that only the sandbox itself mounts */
extern const struct fs_type *const fs_types[]; /* sentry/fs/types.c; ended by NULL */
const struct fs_type *fs_type_find(const char *name);
int fs_setup_new(const struct fs_type *type, struct superblock *sb, struct fs_setup **out);
void fs_setup_free(struct fs_setup *s);
int fs_setup_param(struct fs_setup *s, const char *key, const char *value);
int fs_setup_params(struct fs_setup *s, char *data); /* "key=value,flag", changed */
int fs_setup_make(struct fs_setup *s);
bool fs_setup_permitted(struct task *t, const struct fs_type *type);
int fs_setup_reconfigure(struct fs_setup *s);
/* Logs an error, and gives err. */
int fs_setup_fail(struct fs_setup *s, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int fs_setup_bad_value(struct fs_setup *s, const char *key);

/* Values. */
int param_u32(const char *value, int base, uint32_t *out);
int param_size(const char *value, uint64_t *out); /* with k, m, g, t */

#endif
