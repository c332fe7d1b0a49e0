/* Process, session, user and group ids: credentials(7), setpgid(2), setsid(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"

#define CAP_SETGID 6
#define CAP_SETUID 7
#define NO_ID ((uid_t)-1)
#define SECBIT_NO_SETUID_FIXUP 4

long sys_getpid(struct task *t, const struct sysargs *a)
{
    return tg_nr(t->tg);
}

long sys_gettid(struct task *t, const struct sysargs *a)
{
    return task_nr(t);
}

long sys_getppid(struct task *t, const struct sysargs *a)
{
    return t->tg->parent ? tg_nr(t->tg->parent) : 0;
}

long sys_getuid(struct task *t, const struct sysargs *a)
{
    return kuid_seen(t, t->cred->uid);
}

long sys_geteuid(struct task *t, const struct sysargs *a)
{
    return kuid_seen(t, t->cred->euid);
}

long sys_getgid(struct task *t, const struct sysargs *a)
{
    return kgid_seen(t, t->cred->gid);
}

long sys_getegid(struct task *t, const struct sysargs *a)
{
    return kgid_seen(t, t->cred->egid);
}

/* --- process groups and sessions --- */
static struct thread_group *group_of(struct task *t, pid_t pid)
{
    if (pid == 0)
        return t->tg;
    struct task *o = pid > 0 ? task_find_nr(pid) : NULL;
    return o ? o->tg : NULL;
}

long sys_getpgid(struct task *t, const struct sysargs *a)
{
    struct thread_group *tg = group_of(t, arg_i32(a, 0));

    return tg && tg->pgrp ? id_nr(tg->pgrp->id) : -ESRCH;
}

long sys_getpgrp(struct task *t, const struct sysargs *a)
{
    return id_nr(t->tg->pgrp->id);
}

long sys_getsid(struct task *t, const struct sysargs *a)
{
    struct thread_group *tg = group_of(t, arg_i32(a, 0));

    return tg && tg->session ? id_nr(tg->session->id) : -ESRCH;
}

long sys_setpgid(struct task *t, const struct sysargs *a)
{
    pid_t pid = arg_i32(a, 0) ? pid_id(t->pid_ns, arg_i32(a, 0)) : t->tg->tgid;
    pid_t pgid = arg_i32(a, 1) ? pid_id(t->pid_ns, arg_i32(a, 1)) : pid;

    if ((arg_i32(a, 1) ? arg_i32(a, 1) : arg_i32(a, 0)) < 0)
        return -EINVAL;
    struct task *target = task_find(pid);
    if (!target)
        return -ESRCH;
    struct thread_group *tg = target->tg;
    if (tg->leader != target)
        return -EINVAL;
    if (tg->parent == t->tg) {
        if (tg->session != t->tg->session)
            return -EPERM;
        if (tg->did_exec)
            return -EACCES;
    } else if (tg != t->tg) {
        return -ESRCH;
    }
    if (tg->session && tg->session->id == tg->tgid)
        return -EPERM;
    if (pgid != pid) {
        struct process_group *p = pgrp_find(pgid);
        if (!p || p->session != t->tg->session)
            return -EPERM;
    }
    return tg->pgrp && tg->pgrp->id == pgid ? 0 : tg_join_pgrp(tg, pgid, tg->session);
}

long sys_setsid(struct task *t, const struct sysargs *a)
{
    struct thread_group *tg = t->tg;

    if (pgrp_find(tg->tgid))
        return -EPERM;
    struct session *s = session_new(tg->tgid);
    if (!s)
        return -ENOMEM;
    int err = tg_join_pgrp(tg, tg->tgid, s);
    if (err) {
        free(s);
        return err;
    }
    return tg_nr(tg);
}

/* --- changing user and group ids --- */
/* Capabilities follow uid changes unless securebits say no: capabilities(7). */
static void fix_caps(struct task *t, struct cred *n, const struct cred *o)
{
    uid_t root = make_kuid(n->user_ns, 0);
    bool had_root = root != NO_KID && (o->uid == root || o->euid == root || o->suid == root);
    bool has_root = root != NO_KID && (n->uid == root || n->euid == root || n->suid == root);

    if (n->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (had_root && !has_root) {
        if (!t->tg->keepcaps)
            n->cap_permitted = n->cap_effective = 0;
        n->cap_ambient = 0;
    }
    if (o->euid == root && n->euid != root)
        n->cap_effective = 0;
    if (o->euid != root && n->euid == root)
        n->cap_effective = n->cap_permitted;
}

static long commit(struct task *t, struct cred *n)
{
    struct cred *old = t->cred;

    fix_caps(t, n, old);
    if (n->euid != old->euid || n->egid != old->egid || n->fsuid != old->fsuid ||
        n->fsgid != old->fsgid) { /* commit_creds() */
        t->tg->dumpable = false;
        t->pdeath_signal = 0;
    }
    t->cred = n;
    cred_put(old);
    return 0;
}

static bool id_is(uid_t id, uid_t a, uid_t b, uid_t c)
{
    return id == NO_ID || id == a || id == b || id == c;
}

long sys_setuid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    uid_t uid = make_kuid(c->user_ns, arg_u32(a, 0));
    bool cap = cred_capable_own(c, CAP_SETUID);

    if (uid == NO_ID)
        return -EINVAL;
    if (!cap && uid != c->uid && uid != c->suid)
        return -EPERM;
    struct cred *n = cred_dup(c);
    if (!n)
        return -ENOMEM;
    if (cap)
        n->uid = n->suid = uid;
    n->euid = n->fsuid = uid;
    return commit(t, n);
}

long sys_setgid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    gid_t gid = make_kgid(c->user_ns, arg_u32(a, 0));
    bool cap = cred_capable_own(c, CAP_SETGID);

    if (gid == NO_ID)
        return -EINVAL;
    if (!cap && gid != c->gid && gid != c->sgid)
        return -EPERM;
    struct cred *n = cred_dup(c);
    if (!n)
        return -ENOMEM;
    if (cap)
        n->gid = n->sgid = gid;
    n->egid = n->fsgid = gid;
    return commit(t, n);
}

long sys_setresuid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    uid_t id[3];

    for (int i = 0; i < 3; i++) {
        id[i] = make_kuid(c->user_ns, arg_u32(a, i));
        if (id[i] == NO_ID && arg_u32(a, i) != NO_ID)
            return -EINVAL;
    }

    if (!cred_capable_own(c, CAP_SETUID))
        for (int i = 0; i < 3; i++)
            if (!id_is(id[i], c->uid, c->euid, c->suid))
                return -EPERM;
    struct cred *n = cred_dup(c);
    if (!n)
        return -ENOMEM;
    n->uid = id[0] == NO_ID ? c->uid : id[0];
    n->euid = id[1] == NO_ID ? c->euid : id[1];
    n->suid = id[2] == NO_ID ? c->suid : id[2];
    n->fsuid = n->euid;
    return commit(t, n);
}

long sys_setresgid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    gid_t id[3];

    for (int i = 0; i < 3; i++) {
        id[i] = make_kgid(c->user_ns, arg_u32(a, i));
        if (id[i] == NO_ID && arg_u32(a, i) != NO_ID)
            return -EINVAL;
    }

    if (!cred_capable_own(c, CAP_SETGID))
        for (int i = 0; i < 3; i++)
            if (!id_is(id[i], c->gid, c->egid, c->sgid))
                return -EPERM;
    struct cred *n = cred_dup(c);
    if (!n)
        return -ENOMEM;
    n->gid = id[0] == NO_ID ? c->gid : id[0];
    n->egid = id[1] == NO_ID ? c->egid : id[1];
    n->sgid = id[2] == NO_ID ? c->sgid : id[2];
    n->fsgid = n->egid;
    return commit(t, n);
}

long sys_setreuid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    uid_t r = make_kuid(c->user_ns, arg_u32(a, 0)), e = make_kuid(c->user_ns, arg_u32(a, 1));

    if ((r == NO_ID && arg_u32(a, 0) != NO_ID) || (e == NO_ID && arg_u32(a, 1) != NO_ID))
        return -EINVAL;

    if (!cred_capable_own(c, CAP_SETUID) &&
        (!id_is(r, c->uid, c->euid, c->uid) || !id_is(e, c->uid, c->euid, c->suid)))
        return -EPERM;
    struct cred *n = cred_dup(c);
    if (!n)
        return -ENOMEM;
    n->uid = r == NO_ID ? c->uid : r;
    n->euid = e == NO_ID ? c->euid : e;
    if (r != NO_ID || (e != NO_ID && e != c->uid))
        n->suid = n->euid;
    n->fsuid = n->euid;
    return commit(t, n);
}

long sys_setregid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    gid_t r = make_kgid(c->user_ns, arg_u32(a, 0)), e = make_kgid(c->user_ns, arg_u32(a, 1));

    if ((r == NO_ID && arg_u32(a, 0) != NO_ID) || (e == NO_ID && arg_u32(a, 1) != NO_ID))
        return -EINVAL;

    if (!cred_capable_own(c, CAP_SETGID) &&
        (!id_is(r, c->gid, c->egid, c->gid) || !id_is(e, c->gid, c->egid, c->sgid)))
        return -EPERM;
    struct cred *n = cred_dup(c);
    if (!n)
        return -ENOMEM;
    n->gid = r == NO_ID ? c->gid : r;
    n->egid = e == NO_ID ? c->egid : e;
    if (r != NO_ID || (e != NO_ID && e != c->gid))
        n->sgid = n->egid;
    n->fsgid = n->egid;
    return commit(t, n);
}

static long put_ids(struct task *t, const struct sysargs *a, uid_t r, uid_t e, uid_t s)
{
    if (put_user(t, &r, arg_u64(a, 0)) || put_user(t, &e, arg_u64(a, 1)) ||
        put_user(t, &s, arg_u64(a, 2)))
        return -EFAULT;
    return 0;
}

long sys_getresuid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;

    return put_ids(t, a, kuid_seen(t, c->uid), kuid_seen(t, c->euid), kuid_seen(t, c->suid));
}

long sys_getresgid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;

    return put_ids(t, a, kgid_seen(t, c->gid), kgid_seen(t, c->egid), kgid_seen(t, c->sgid));
}

/* The capabilities that stand for file permissions go with file-system user 0: capabilities(7). */
#define CAP_FS_SET (0x1fULL | 1ULL << 9 | 1ULL << 27 | 1ULL << 32)

static void fsuid_caps(struct cred *n, uid_t old)
{
    if (n->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    uid_t root = make_kuid(n->user_ns, 0);
    if (old == root && n->fsuid != root)
        n->cap_effective &= ~CAP_FS_SET;
    else if (old != root && n->fsuid == root)
        n->cap_effective |= n->cap_permitted & CAP_FS_SET;
}

long sys_setfsuid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    uid_t id = make_kuid(c->user_ns, arg_u32(a, 0)), old = c->fsuid, seen = kuid_seen(t, old);

    if (id == NO_ID ||
        !(cred_capable_own(c, CAP_SETUID) || id == c->fsuid || id_is(id, c->uid, c->euid, c->suid)))
        return seen;
    struct cred *n = cred_dup(c);
    if (n) {
        n->fsuid = id;
        fsuid_caps(n, old);
        commit(t, n);
    }
    return seen;
}

long sys_setfsgid(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    gid_t id = make_kgid(c->user_ns, arg_u32(a, 0)), old = c->fsgid, seen = kgid_seen(t, old);

    if (id == NO_ID ||
        !(cred_capable_own(c, CAP_SETGID) || id == c->fsgid || id_is(id, c->gid, c->egid, c->sgid)))
        return seen;
    struct cred *n = cred_dup(c);
    if (n) {
        n->fsgid = id;
        commit(t, n);
    }
    return seen;
}

long sys_getgroups(struct task *t, const struct sysargs *a)
{
    int size = arg_i32(a, 0), n = t->cred->ngroups;

    if (size < 0)
        return -EINVAL;
    if (size == 0)
        return n;
    if (size < n)
        return -EINVAL;
    for (int i = 0; i < n && t->cred->user_ns; i++) {
        gid_t g = kgid_seen(t, t->cred->groups[i]);
        if (put_user(t, &g, arg_u64(a, 1) + (uint64_t)i * sizeof(g)))
            return -EFAULT;
    }
    if (t->cred->user_ns)
        return n;
    return copy_out(t, arg_u64(a, 1), t->cred->groups, (size_t)n * sizeof(gid_t)) ? -EFAULT : n;
}

long sys_setgroups(struct task *t, const struct sysargs *a)
{
    int n = arg_i32(a, 0);

    if (!cred_capable_own(t->cred, CAP_SETGID) || !may_setgroups(t->cred))
        return -EPERM;
    if (n < 0 || n > NV_NGROUPS_MAX)
        return -EINVAL;
    gid_t *groups = n ? malloc((size_t)n * sizeof(gid_t)) : NULL;
    if (n && !groups)
        return -ENOMEM;
    if (copy_in(t, groups, arg_u64(a, 1), (size_t)n * sizeof(gid_t))) {
        free(groups);
        return -EFAULT;
    }
    for (int i = 0; i < n; i++) {
        groups[i] = make_kgid(t->cred->user_ns, groups[i]);
        if (groups[i] == NO_ID && t->cred->user_ns) {
            free(groups);
            return -EINVAL;
        }
    }
    struct cred *c = cred_dup(t->cred);
    if (!c) {
        free(groups);
        return -ENOMEM;
    }
    free(c->groups);
    c->groups = groups;
    c->ngroups = n;
    return commit(t, c);
}

/* --- capabilities --- */
#define CAP_VERSION_1 0x19980330
#define CAP_VERSION_2 0x20071026
#define CAP_VERSION_3 0x20080522

struct cap_header {
    uint32_t version;
    int pid;
};
struct cap_data {
    uint32_t effective, permitted, inheritable;
};

/* Number of cap_data words, or -EINVAL after telling the version we speak. */
static int cap_version(struct task *t, uint64_t addr, struct cap_header *h)
{
    uint32_t ours = CAP_VERSION_3;

    if (get_user(t, h, addr))
        return -EFAULT;
    if (h->version == CAP_VERSION_1)
        return 1;
    if (h->version == CAP_VERSION_2 || h->version == CAP_VERSION_3)
        return 2;
    return put_user(t, &ours, addr) ? -EFAULT : -EINVAL;
}

long sys_capget(struct task *t, const struct sysargs *a)
{
    struct cap_header h;
    struct cap_data d[2];
    int n = cap_version(t, arg_u64(a, 0), &h);

    if (n < 0)
        return n == -EINVAL && !arg_u64(a, 1) ? 0 : n;
    if (h.pid < 0)
        return -EINVAL;
    struct task *o = h.pid ? task_find_nr(h.pid) : t;
    if (!o)
        return -ESRCH;
    const struct cred *c = o->cred;
    for (int i = 0; i < n; i++)
        d[i] = (struct cap_data){(uint32_t)(c->cap_effective >> 32 * i),
                                 (uint32_t)(c->cap_permitted >> 32 * i),
                                 (uint32_t)(c->cap_inheritable >> 32 * i)};
    return arg_u64(a, 1) ? copy_out(t, arg_u64(a, 1), d, (size_t)n * sizeof(d[0])) : 0;
}

long sys_capset(struct task *t, const struct sysargs *a)
{
    struct cap_header h;
    struct cap_data d[2] = {0};
    int n = cap_version(t, arg_u64(a, 0), &h);

    if (n < 0)
        return n;
    if (h.pid != 0 && h.pid != task_nr(t))
        return -EPERM;
    if (copy_in(t, d, arg_u64(a, 1), (size_t)n * sizeof(d[0])))
        return -EFAULT;
    const uint64_t all = (1ULL << (NV_CAP_LAST + 1)) - 1;
    uint64_t eff = (d[0].effective | (uint64_t)d[1].effective << 32) & all;
    uint64_t perm = (d[0].permitted | (uint64_t)d[1].permitted << 32) & all;
    uint64_t inh = (d[0].inheritable | (uint64_t)d[1].inheritable << 32) & all;
    const struct cred *c = t->cred;
    if ((perm & ~c->cap_permitted) || (eff & ~perm) ||
        (inh & ~(c->cap_inheritable | c->cap_permitted)) ||
        (inh & ~(c->cap_inheritable | c->cap_bounding)))
        return -EPERM;
    struct cred *m = cred_dup(c);
    if (!m)
        return -ENOMEM;
    m->cap_effective = eff;
    m->cap_permitted = perm;
    m->cap_inheritable = inh;
    m->cap_ambient &= perm & inh;
    t->cred = m;
    cred_put((struct cred *)(uintptr_t)c);
    return 0;
}
