/*
 * Access control lists of an image's files: read when they are first asked for, and kept. A list
 * that is damaged, cannot be read or has no room is one that names nobody: it lets in those who
 * override permissions.
 */
#include <errno.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/fs/erofs/erofs.h"
#include "sentry/kernel/buffers.h"
#include "sentry/vfs/acl.h"

#define LIST_MAX 65536 /* XATTR_SIZE_MAX */

static struct posix_acl_xattr_header nobody = {POSIX_ACL_XATTR_VERSION};

/* The list of that name in *out, NULL: there is none. Parks. */
static int read_list(struct inode *i, const char *name, void **out, uint32_t *size)
{
    struct erofs_image *im = &EROFS_S(i->sb)->im;
    struct erofs_node *node = &EROFS_I(i)->node;
    ssize_t n = erofs_getxattr(im, node, name, NULL, 0);

    *out = NULL;
    if (n == -ENODATA)
        return 0;
    if (n < 0)
        return (int)n;
    if (n > LIST_MAX || !buffers_book((size_t)n))
        return -ENOMEM;
    char *v = malloc((size_t)n + 1);
    ssize_t again = v ? erofs_getxattr(im, node, name, v, (size_t)n) : -ENOMEM;
    if (again != n || !acl_is_valid(v, (size_t)n)) {
        buffers_unbook((size_t)n);
        free(v);
        return again < 0 ? (int)again : -EUCLEAN;
    }
    *out = v;
    *size = (uint32_t)n;
    return 0;
}

static void drop_list(void *list, uint32_t size)
{
    if (!list || list == &nobody)
        return;
    buffers_unbook(size);
    free(list);
}

void erofs_acls_free(struct erofs_inode *ei)
{
    for (int k = 0; k < 2; k++)
        drop_list(ei->acl[k], ei->acl_size[k]);
}

static void read_lists(struct inode *i)
{
    static const char *const names[] = {ACL_ACCESS, ACL_DEFAULT};
    struct erofs_inode *ei = EROFS_I(i);

    for (int k = 0; k < (S_ISDIR(i->mode) ? 2 : 1); k++) {
        void *list;
        uint32_t size = sizeof(nobody);
        if (read_list(i, names[k], &list, &size))
            list = &nobody;
        if (ei->acls_known) { /* another fiber was faster */
            drop_list(list, size);
            return;
        }
        drop_list(ei->acl[k], ei->acl_size[k]);
        ei->acl[k] = list;
        ei->acl_size[k] = size;
    }
    ei->acls_known = true;
}

void *erofs_acl(const struct inode *i, bool dflt, size_t *size)
{
    struct erofs_inode *ei = EROFS_I(i);

    *size = sizeof(nobody);
    if (EROFS_S(i->sb)->noacl)
        return NULL;
    if (erofs_load(ei->inode))
        return &nobody;
    if (!ei->node.xattr_len)
        return NULL;
    if (!ei->acls_known)
        read_lists(ei->inode);
    *size = ei->acl_size[dflt];
    return ei->acl[dflt];
}
