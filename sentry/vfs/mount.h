/* Mounts and their namespaces: what the calls on them, /proc and checkpoints need. */
#ifndef NV_SENTRY_VFS_MOUNT_H
#define NV_SENTRY_VFS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "sentry/kernel/waitq.h"
#include "sentry/vfs/vfs.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#define MOUNT_ATIME (MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MOUNT_ATIME)
#define MOUNTS_MAX 10000
#define MOUNT_ID_UNIQUE_FIRST (1ULL << 31) /* no unique id is as low */
#define CAP_SYS_ADMIN_ 21

/*
 * A tree of mounts. Tasks hold the one they are in; the namespace of a tree that is nowhere in the
 * tree of tasks' names (open_tree(2), fsmount(2)) is anonymous and belongs to its file.
 */
struct mount_ns {
    unsigned int refs;
    uint64_t id; /* of /proc/PID/ns/mnt, and by age: none can be seen from one that it can see */
    bool anonymous, counted; /* in ns_count_add() */
    struct user_ns *user_ns; /* NULL: the first; owned */
    struct list mounts;      /* struct mount.node, by unique_id */
    struct mount *root;
    struct list node;     /* in mount_namespaces */
    struct change change; /* of what mountinfo shows */
};
extern struct list mount_namespaces;

struct mount_ns *mount_ns_new(bool anonymous);      /* NULL: -ENOSPC, see ns_count_add() */
struct mount_ns *mount_ns_of(const struct task *t); /* no reference */
struct mount_ns *mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);
/* A copy of the tree; fs's root and working directory, if given, move along. */
int mount_ns_copy(struct mount_ns *old, struct user_ns *user_ns, struct fs_context *fs,
                  struct mount_ns **out);
void mount_ns_changed(struct mount_ns *ns);
/* What is mounted over its root: the root of who is not chrooted. No reference. */
struct path mount_ns_top(const struct mount_ns *ns);
/* A tree that goes to users who may do less: its flags and what it covers stay. */
void mount_lock_tree(struct mount *top);

struct mount *mount_new(struct superblock *sb, struct dentry *root, unsigned long flags);
bool mount_table_full(void); /* -ENOSPC */
void mount_put(struct mount *m);
/* As a walk does it on its way: does not count as use for MNT_EXPIRE. */
void mount_put_passing(struct mount *m);
/* The mount that sits on (mnt, d), or NULL. No reference. */
struct mount *mount_at(const struct mount *mnt, const struct dentry *d);
struct mount *mount_by_id(const struct mount_ns *ns, uint64_t unique_id);
/* The next one of top's tree, parents first; NULL after the last. */
struct mount *mount_next(struct mount *m, const struct mount *top);
/* Attached: part of a namespace, neither unmounted nor one of the sentry's own. */
bool mount_attached(const struct mount *m);
bool mount_is_above(const struct mount *top, const struct mount *m); /* or is it */
bool path_is_mount(const struct path *p);
/* Is path's mount above or the same, and dentry beneath in it? */
bool path_is_beneath(const struct path *p, const struct path *top);
/* May names of d change although something is mounted on it in t's namespace? */
bool dentry_is_busy(struct task *t, const struct dentry *d);
/* What other namespaces have mounted on a name that is gone. */
void dentry_unmount_all(struct dentry *d);
/* Files open for writing: remounting read-only. */
void mount_add_writer(struct file *f);

/* Trees. */
enum mount_copy {
    COPY_AS_IS,       /* a peer of what is shared, a slave of the same masters */
    COPY_SLAVE,       /* receives from the original, gives nothing back */
    COPY_SLAVE_SHARED /* the same, and first of a group of its own */
};
/* What is mounted beneath root is copied, too, if recursive. In no namespace yet. */
int mount_copy_tree(struct mount *m, struct dentry *root, enum mount_copy how, bool recursive,
                    bool unbindable_too, struct mount **out);
/* Hangs a tree that is in no namespace on at, with all that follows by propagation. */
int mount_attach_tree(struct mount *top, const struct path *at);
void mount_ns_add_tree(struct mount_ns *ns, struct mount *top);
/* Out of the parent and namespace it is in, whole. */
void mount_detach_tree(struct mount *top);
/* Low level: no propagation, takes over at's references. */
void mount_hang(struct mount *m, struct path at);
void mount_unhang(struct mount *m);
/* What is mounted on the same place already goes on top of m. */
void mount_tuck(struct mount *m);
void mount_rehang(struct mount *m, const struct path *at);
void mount_umount_tree(struct mount *top, bool propagate);
int mount_bind(struct task *t, const struct path *at, const struct path *from, bool recursive);
int mount_move(struct task *t, const struct path *at, const struct path *from, bool anonymous_ok,
               bool beneath);
int mount_pivot(struct task *t, const struct path *root, const struct path *new,
                const struct path *put_old);
/* The new tree of open_tree(OPEN_TREE_CLONE): in an anonymous namespace. */
int mount_clone_detached(struct task *t, const struct path *from, bool recursive,
                         struct mount **out);
int mount_add_new(struct task *t, const struct path *at, struct mount *m);
int mount_change_flags(struct mount *m, unsigned long flags);
bool mount_may_change_flags(const struct mount *m, unsigned long flags);

struct fs_type;
const struct fs_type *fs_type_of(const struct superblock *sb);
bool may_reconfigure(const struct task *t, const struct superblock *sb);
bool may_mount(struct task *t);              /* over its namespace of mounts */
uint64_t mount_attrs(const struct mount *m); /* MOUNT_ATTR_* */
/* MS_SHARED and so on, of one or all beneath. */
int mount_change_type_of(struct mount *top, unsigned long type, bool recursive);

/* propagate.c */
int mount_set_shared(struct mount *m);
void mount_leave_group(struct mount *m);
void mount_set_master(struct mount *m, struct peer_group *g);
int mount_change_type(struct mount *m, unsigned long type); /* MS_SHARED... */
void mount_join_as_copy(struct mount *copy, struct mount *m, enum mount_copy how);
/* Copies of tree, which is to be mounted on at, for all that at's mount gives it to. */
int propagate_mount(struct mount *tree, const struct path *at, struct list *copies);
/* All that a change beneath m reaches, but m, linked by prop_node. */
void propagate_targets(struct mount *m, struct list *out);
/* Adds to going what goes along with the mounts in it, linked by node. */
void propagate_umount(struct list *going);
bool propagate_busy(struct mount *m);
int peer_group_claim(struct peer_group *g);
/* The group above m's master of which something can be seen beneath root; 0: none. */
int mount_dominating_id(const struct mount *m, const struct path *root);

/* Checkpoints: what is restored takes its place. All check what they are given: -EINVAL. */
int mount_claim(struct mount *m); /* its number */
int mount_restored(struct mount *m, struct mount_ns *ns);
int mount_ns_restored(struct mount_ns *ns);

#endif
