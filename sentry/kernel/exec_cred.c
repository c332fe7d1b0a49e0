/*
 * What execve(2) does to credentials: set-id bits, file capabilities and root's power, as
 * cap_bprm_creds_from_file() of security/commoncap.c and bprm_fill_uid() of fs/exec.c have it.
 */
#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/mount.h>

#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"

#define CAP_VALID ((1ULL << (NV_CAP_LAST + 1)) - 1)

struct file_caps {
    uint64_t permitted, inheritable;
    bool effective;
};

/* mnt_may_suid() */
static bool may_suid(const struct task *t, const struct file *f)
{
    return !(f->path.mnt && (f->path.mnt->flags & MS_NOSUID)) &&
           user_ns_is_in(t->cred->user_ns, f->inode->sb->user_ns);
}

/* What the file says is checked: it is another's, or from an image. */
static int parse_caps(const struct task *t, const struct file *f, const char *v, size_t size,
                      struct file_caps *out)
{
    uint32_t w[6] = {0};

    if (size < sizeof(w[0]) || size > sizeof(w))
        return -EINVAL;
    memcpy(w, v, size);
    for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++)
        w[i] = le32toh(w[i]);
    uint32_t revision = w[0] & VFS_CAP_REVISION_MASK;
    if (!(revision == VFS_CAP_REVISION_1 && size == XATTR_CAPS_SZ_1) &&
        !(revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) &&
        !(revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3))
        return -EINVAL;
    uint32_t root = make_kuid(f->inode->sb->user_ns, revision == VFS_CAP_REVISION_3 ? w[5] : 0);
    if (root == NO_KID || !user_ns_is_of_root(t->cred->user_ns, root))
        return -ENODATA;
    bool both = revision != VFS_CAP_REVISION_1;
    out->permitted = (w[1] | (both ? (uint64_t)w[3] << 32 : 0)) & CAP_VALID;
    out->inheritable = (w[2] | (both ? (uint64_t)w[4] << 32 : 0)) & CAP_VALID;
    out->effective = w[0] & VFS_CAP_FLAGS_EFFECTIVE;
    return 0;
}

static int read_caps(struct task *t, const struct file *f, struct file_caps *out)
{
    char v[XATTR_CAPS_SZ_3];

    if (!f->inode->ops->getxattr || !may_suid(t, f))
        return -ENODATA;
    ssize_t n = f->inode->ops->getxattr(t, f->inode, "security.capability", v, sizeof(v));
    if (n == -ENODATA || n == -EOPNOTSUPP || n == -EOVERFLOW /* meant for others, says the host */)
        return -ENODATA;
    if (n == -ERANGE)
        return -EINVAL;
    return n < 0 ? (int)n : parse_caps(t, f, v, (size_t)n, out);
}

/* Root has all that the file could give, so that it need not be asked. */
static bool needs_no_file(const struct cred *c, uid_t root)
{
    return c->uid == root && c->euid == root && !(c->securebits & SECBIT_NOROOT) &&
           c->cap_bounding == CAP_VALID && !c->cap_ambient;
}

static void fill_ids(const struct task *t, const struct file *f, struct cred *n)
{
    const struct inode *i = f->inode;

    if (t->no_new_privs || !may_suid(t, f) || from_kuid(n->user_ns, i->uid) == NO_KID ||
        from_kgid(n->user_ns, i->gid) == NO_KID)
        return;
    if (i->mode & S_ISUID)
        n->euid = i->uid;
    if ((i->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
        n->egid = i->gid;
}

/* check_unsafe_exec(): does somebody else have the same root and working directory? */
static bool shares_fs(const struct task *t)
{
    const struct task *m;
    unsigned int own = 0;

    list_for_each(m, &t->tg->tasks, tg_node)
        own += m->fs == t->fs;
    return t->fs->refs > own;
}

/* Who is watched, or may get no new privileges, gets none. */
static void downgrade(const struct task *t, struct cred *n, bool id_changed)
{
    const struct cred *old = t->cred;
    bool unsafe = t->no_new_privs || shares_fs(t);

    if (!unsafe &&
        (!t->trace.tracer || ns_capable(t->trace.tracer->cred, n->user_ns, CAP_SYS_PTRACE)))
        return;
    if (!id_changed && !(n->cap_permitted & ~old->cap_permitted))
        return;
    if (t->no_new_privs || !ns_capable(n, n->user_ns, CAP_SETUID)) {
        n->euid = n->uid;
        n->egid = n->gid;
    }
    n->cap_permitted &= old->cap_permitted;
}

/* commit_creds(): whoever could trace the old one must not be able to look into this one. */
static bool has_gained(const struct cred *n, const struct cred *old)
{
    return n->euid != old->euid || n->egid != old->egid || n->fsuid != old->fsuid ||
           n->fsgid != old->fsgid || (n->cap_permitted & ~old->cap_permitted);
}

/* caps: of the file, NULL for none. */
static int fill_caps(const struct task *t, const struct file_caps *caps, uid_t root,
                     struct exec_creds *out)
{
    const struct cred *old = t->cred;
    struct cred *n = out->cred;
    bool effective = caps && caps->effective;

    n->cap_permitted = 0;
    if (caps)
        n->cap_permitted =
            (n->cap_bounding & caps->permitted) | (n->cap_inheritable & caps->inheritable);
    if (effective && (caps->permitted & ~n->cap_permitted))
        return -EPERM; /* it could not know what is missing */
    /* A set-user-ID root file that has capabilities is not to give all of root's. */
    bool is_root = !(n->securebits & SECBIT_NOROOT) && root != NO_KID &&
                   !(caps && n->euid == root && n->uid != root);
    if (is_root && (n->euid == root || n->uid == root))
        n->cap_permitted = old->cap_bounding | old->cap_inheritable;
    effective |= is_root && n->euid == root;
    bool id_changed = n->euid != old->euid || !cred_in_group(old, n->egid);
    downgrade(t, n, id_changed);
    n->suid = n->fsuid = n->euid;
    n->sgid = n->fsgid = n->egid;
    if (caps || id_changed)
        n->cap_ambient = 0;
    n->cap_permitted |= n->cap_ambient;
    n->cap_effective = effective ? n->cap_permitted : n->cap_ambient;
    n->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    bool grew = effective || (n->cap_permitted & ~n->cap_ambient);
    out->secure =
        id_changed || n->euid != old->uid || n->egid != old->gid || (n->uid != root && grew);
    out->gained = has_gained(n, old);
    return 0;
}

int exec_cred(struct task *t, const struct file *f, struct exec_creds *out)
{
    struct file_caps caps = {0};

    out->cred = cred_dup(t->cred);
    if (!out->cred)
        return -ENOMEM;
    uid_t root = make_kuid(t->cred->user_ns, 0);
    int err = needs_no_file(t->cred, root) ? -ENODATA : read_caps(t, f, &caps);
    bool has_caps = !err;
    fill_ids(t, f, out->cred);
    if (!err || err == -ENODATA)
        err = fill_caps(t, has_caps ? &caps : NULL, root, out);
    if (err) {
        cred_put(out->cred);
        return err;
    }
    const struct cred *n = out->cred;
    out->dumpable = !out->gained && n->euid == n->uid && n->egid == n->gid &&
                    !inode_permission(t, f->inode, MAY_READ);
    return 0;
}
