/* A root record for tests: names and open files, without a sandbox around them. */
#ifndef NV_TESTS_UNIT_CKPT_ROOT_H
#define NV_TESTS_UNIT_CKPT_ROOT_H

#include "sentry/ckpt/types.h"

struct fdtable;
struct fs_context;
struct mount_ns;

struct root {
    struct mount_ns *ns;
    struct fs_context *fs;
    struct fdtable *fds;
};
static const struct ckpt_field root_fields[] = {
    CKPT_REF(struct root, ns, &ckpt_mount_ns),
    CKPT_REF(struct root, fs, &ckpt_fs_context),
    CKPT_REF(struct root, fds, &ckpt_fdtable),
};
static const struct ckpt_type root_type = {.name = "test root",
                                           .id = 60000,
                                           .version = 1,
                                           .size = sizeof(struct root),
                                           CKPT_TABLE(root_fields)};
CKPT_TYPE_REGISTER(root_type);

#endif
