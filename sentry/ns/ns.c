/* clone(2), unshare(2) and setns(2) of namespaces. */
#include "sentry/ns/ns.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"

#define FIRST_ID 4026532100ULL
#define CAP_ALL ((1ULL << (NV_CAP_LAST + 1)) - 1)

static unsigned int count;
static uint64_t last_id = FIRST_ID;

/* One row of numbers for all kinds, as Linux has it. */
uint64_t ns_next_id(void)
{
    return ++last_id;
}

void ns_id_taken(uint64_t id)
{
    last_id = MAX(last_id, id);
}

bool ns_count_add(void)
{
    if (count >= NAMESPACES_MAX)
        return false;
    count++;
    return true;
}

void ns_count_sub(void)
{
    count--;
}

struct plain_ns *plain_ns_get(struct plain_ns *ns)
{
    if (ns)
        ns->base.refs++;
    return ns;
}

void plain_ns_put(struct plain_ns *ns)
{
    if (!ns || --ns->base.refs)
        return;
    user_ns_put(ns->base.owner);
    free(ns);
    ns_count_sub();
}

static int plain_new(const struct cred *c, struct plain_ns **out)
{
    struct plain_ns *ns = ns_count_add() ? calloc(1, sizeof(*ns)) : NULL;

    if (!ns)
        return -ENOSPC;
    ns->base.refs = 1;
    ns->base.id = ns_next_id();
    ns->base.owner = user_ns_get(c->user_ns);
    *out = ns;
    return 0;
}

/* The first of a user namespace can do everything in it: set_cred_user_ns(). */
void cred_enter_user_ns(struct cred *c, struct user_ns *ns)
{
    user_ns_put(c->user_ns);
    c->user_ns = ns;
    c->securebits = 0;
    c->cap_inheritable = c->cap_ambient = 0;
    c->cap_permitted = c->cap_effective = c->cap_bounding = CAP_ALL;
}

/* Is c's root another one than that of its mounts? */
static bool is_chrooted(const struct task *c)
{
    struct path top = mount_ns_top(c->mnt_ns);

    return top.mnt != c->fs->root.mnt || top.dentry != c->fs->root.dentry;
}

static int new_user_ns(struct task *c)
{
    struct user_ns *ns;

    int err = user_ns_new(c->cred, is_chrooted(c), &ns);
    if (err)
        return err;
    struct cred *n = cred_dup(c->cred);
    if (!n) {
        user_ns_put(ns);
        return -ENOMEM;
    }
    cred_enter_user_ns(n, ns);
    cred_put(c->cred);
    c->cred = n;
    return 0;
}

/* All but user and pid: into c, which has t's, its own references. c->cred is the owner's. */
static int new_others(struct task *c, uint64_t f)
{
    int err = 0;

    if (f & CLONE_NEWUTS) {
        struct uts_ns *ns = uts_ns_copy(c->uts, c->cred->user_ns);
        if (!ns)
            return -ENOSPC;
        uts_ns_put(c->uts);
        c->uts = ns;
    }
    if (f & CLONE_NEWNET) {
        struct plain_ns *old = c->net;
        err = plain_new(c->cred, &c->net);
        if (err)
            return err;
        plain_ns_put(old);
    }
    if (f & CLONE_NEWCGROUP) {
        struct plain_ns *old = c->cgroup;
        err = plain_new(c->cred, &c->cgroup);
        if (err)
            return err;
        plain_ns_put(old);
    }
    if (f & CLONE_NEWNS) {
        struct mount_ns *old = c->mnt_ns;
        err = mount_ns_copy(old, c->cred->user_ns, c->fs, &c->mnt_ns);
        if (err)
            return err;
        mount_ns_put(old);
    }
    return 0;
}

/* c has its credentials, file system context and IPC namespace already. */
int ns_clone(struct task *t, struct task *c, uint64_t f)
{
    c->uts = uts_ns_get(t->uts);
    c->net = plain_ns_get(t->net);
    c->cgroup = plain_ns_get(t->cgroup);
    c->mnt_ns = mount_ns_get(t->mnt_ns);
    c->pid_ns = pid_ns_get(t->pid_ns_children);
    c->pid_ns_children = pid_ns_get(t->pid_ns_children);
    int err = f & CLONE_NEWUSER ? new_user_ns(c) : 0;
    if (!err && (f & CLONE_NEW_ALL & ~(uint64_t)CLONE_NEWUSER) &&
        !ns_capable(c->cred, c->cred->user_ns, CAP_SYS_ADMIN_))
        err = -EPERM;
    if (!err)
        err = new_others(c, f);
    if (!err && (f & CLONE_NEWPID)) {
        struct pid_ns *ns;
        err = pid_ns_new(c, &ns);
        if (!err) {
            pid_ns_put(c->pid_ns);
            pid_ns_put(c->pid_ns_children);
            c->pid_ns = ns;
            c->pid_ns_children = pid_ns_get(ns);
        }
    }
    if (!err)
        err = pid_ns_number(c->pid_ns, c->tid);
    if (!err && c->pid_ns && !c->pid_ns->reaper)
        c->pid_ns->reaper = c->tg;
    return err;
}

int ns_unshare(struct task *t, uint64_t f)
{
    struct cred *old = cred_get(t->cred);
    int err = f & CLONE_NEWUSER ? new_user_ns(t) : 0;

    if (!err && (f & CLONE_NEW_ALL & ~(uint64_t)CLONE_NEWUSER) &&
        !ns_capable(t->cred, t->cred->user_ns, CAP_SYS_ADMIN_))
        err = -EPERM;
    if (!err)
        err = new_others(t, f);
    if (!err && (f & CLONE_NEWIPC)) {
        struct ipc_ns *ns;
        err = ipc_ns_make(t->cred->user_ns, &ns);
        if (!err) {
            sem_undo_exit(t);
            ipc_ns_put(t->ipc);
            t->ipc = ns;
        }
    }
    if (!err && (f & CLONE_NEWPID)) {
        struct pid_ns *ns;
        err = pid_ns_new(t, &ns);
        if (!err) {
            pid_ns_put(t->pid_ns_children);
            t->pid_ns_children = ns;
        }
    }
    if (err) {
        cred_put(t->cred);
        t->cred = old;
    } else {
        cred_put(old);
    }
    return err;
}

/* What a dead task has no use for; its number it keeps while it is a zombie. */
void ns_exit(struct task *t)
{
    mount_ns_put(t->mnt_ns);
    plain_ns_put(t->net);
    plain_ns_put(t->cgroup);
    uts_ns_put(t->uts);
    pid_ns_put(t->pid_ns_children);
    t->mnt_ns = NULL;
    t->net = t->cgroup = NULL;
    t->uts = NULL;
    t->pid_ns_children = NULL;
}
