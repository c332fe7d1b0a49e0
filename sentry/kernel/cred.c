/* Credentials; see cred.h. Rules of capability changes: capabilities(7). */
#include "sentry/kernel/cred.h"

#include <stdlib.h>
#include <string.h>

#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"

#define CAP_SYS_PTRACE 19
#define CAP_ALL ((1ULL << (NV_CAP_LAST + 1)) - 1)

struct cred *cred_new(uid_t uid, gid_t gid)
{
    struct cred *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->refs = 1;
    c->uid = c->euid = c->suid = c->fsuid = uid;
    c->gid = c->egid = c->sgid = c->fsgid = gid;
    c->cap_bounding = CAP_ALL;
    if (uid == 0)
        c->cap_permitted = c->cap_effective = CAP_ALL;
    return c;
}

struct cred *cred_dup(const struct cred *c)
{
    struct cred *n = malloc(sizeof(*n));

    if (!n)
        return NULL;
    *n = *c;
    n->refs = 1;
    n->groups = NULL;
    if (c->ngroups) {
        n->groups = malloc((size_t)c->ngroups * sizeof(gid_t));
        if (!n->groups) {
            free(n);
            return NULL;
        }
        memcpy(n->groups, c->groups, (size_t)c->ngroups * sizeof(gid_t));
    }
    user_ns_get(n->user_ns);
    return n;
}

struct cred *cred_get(struct cred *c)
{
    c->refs++;
    return c;
}

void cred_put(struct cred *c)
{
    if (!c || --c->refs)
        return;
    user_ns_put(c->user_ns);
    free(c->groups);
    free(c);
}

bool cred_capable(const struct cred *c, int cap)
{
    return !c->user_ns && (c->cap_effective >> cap & 1);
}

bool cred_capable_own(const struct cred *c, int cap)
{
    return c->cap_effective >> cap & 1;
}

bool cred_in_group(const struct cred *c, gid_t gid)
{
    if (c->fsgid == gid)
        return true;
    for (int i = 0; i < c->ngroups; i++)
        if (c->groups[i] == gid)
            return true;
    return false;
}

/* __ptrace_may_access() and cap_ptrace_access_check(). */
bool task_may_access_as(const struct task *viewer, const struct task *target, uid_t uid, gid_t gid,
                        uint64_t caps)
{
    const struct cred *c = target->cred;
    bool same = uid == c->uid && uid == c->euid && uid == c->suid && gid == c->gid &&
                gid == c->egid && gid == c->sgid;

    if (viewer->tg == target->tg || ns_capable(viewer->cred, c->user_ns, CAP_SYS_PTRACE))
        return true;
    return same && target->tg->dumpable && viewer->cred->user_ns == c->user_ns &&
           (c->cap_permitted & ~caps) == 0;
}

bool task_may_access(const struct task *viewer, const struct task *target)
{
    const struct cred *v = viewer->cred;

    return task_may_access_as(viewer, target, v->fsuid, v->fsgid, v->cap_effective);
}
