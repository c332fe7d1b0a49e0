/* Access control lists: acl(5). They are extended attributes that the VFS understands. */
#ifndef NV_SENTRY_VFS_ACL_H
#define NV_SENTRY_VFS_ACL_H

#include "sentry/vfs/vfs.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

bool acl_is_name(const char *xattr);
bool acl_is_sane(size_t size);
/* A whole value, as it is kept. */
bool acl_is_valid(const void *v, size_t size);
/* Does the list of i, if it has one, let t do mask? 1: it has none. Not for the owner. */
int acl_permission(struct task *t, const struct inode *i, int mask);
/* After i's mode was changed by chmod(2). */
void acl_chmod(struct inode *i, mode_t mode);
/* setxattr(2) and removexattr(2) of either name; size 0 removes. v is overwritten. */
int acl_set(struct task *t, const struct path *p, const char *name, void *v, size_t size);
/* getxattr(2): the size, or -errno. */
ssize_t acl_get(struct task *t, struct inode *i, const char *name, void *buf, size_t size);

/* What a new object in a directory inherits. */
struct acl_new {
    void *access, *dflt;
    size_t access_size, dflt_size;
};
/* Takes from *mode what umask, the directory's default list and set-group-id rules take. */
int acl_inherit(struct task *t, const struct inode *dir, mode_t *mode, struct acl_new *out);
/* Gives it to the new object. */
int acl_inherited(struct task *t, struct dentry *d, const struct acl_new *acl);
void acl_new_free(struct acl_new *acl);
#define cleanup_acl __attribute__((cleanup(acl_new_free)))

#endif
