/* ioprio_set(2), ioprio_get(2): kept per task; the host's disks are not the guest's matter. */
#include <errno.h>
#include <linux/capability.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { CLASS_NONE, CLASS_RT, CLASS_BE, CLASS_IDLE };
#define CLASS(prio) ((prio) >> 13 & 7)

/* Whom a call means; process groups and users may be many. */
struct whom {
    int which, who;
    uint32_t uid;
    const struct process_group *pgrp;
};

static int find_whom(struct task *t, struct whom *w, int which, int who)
{
    *w = (struct whom){.which = which, .who = who};
    if (which == WHO_PGRP)
        w->pgrp = who ? pgrp_find(who > 0 ? pid_id(t->pid_ns, who) : 0) : t->tg->pgrp;
    else if (which == WHO_USER)
        w->uid = who ? make_kuid(t->cred->user_ns, (uint32_t)who) : t->cred->uid;
    else if (which != WHO_PROCESS)
        return -EINVAL;
    return 0;
}

static bool is_meant(const struct whom *w, const struct task *o)
{
    return w->which == WHO_PGRP ? o->tg->pgrp && o->tg->pgrp == w->pgrp
                                : o->cred->uid == w->uid && w->uid != NO_KID;
}

static int set_one(struct task *t, struct task *o, int prio)
{
    const struct cred *c = t->cred;

    if (o->cred->uid != c->euid && o->cred->uid != c->uid && !cred_capable(c, CAP_SYS_NICE))
        return -EPERM;
    o->ioprio = (uint16_t)prio;
    return 0;
}

static int check_value(struct task *t, int prio)
{
    switch (CLASS(prio)) {
    case CLASS_RT:
        return cred_capable(t->cred, CAP_SYS_ADMIN) || cred_capable(t->cred, CAP_SYS_NICE) ? 0
                                                                                           : -EPERM;
    case CLASS_BE:
    case CLASS_IDLE:
        return 0;
    case CLASS_NONE:
        return prio & 7 ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

static struct task *one(struct task *t, int who)
{
    return who ? who > 0 ? task_find_nr(who) : NULL : t;
}

long sys_ioprio_set(struct task *t, const struct sysargs *a)
{
    int prio = arg_i32(a, 2), err = check_value(t, prio);
    struct thread_group *tg;
    struct whom w;
    struct task *o;
    long ret = -ESRCH;

    if (!err)
        err = find_whom(t, &w, arg_i32(a, 0), arg_i32(a, 1));
    if (err)
        return err;
    if (w.which == WHO_PROCESS) {
        o = one(t, w.who);
        return o ? set_one(t, o, prio) : -ESRCH;
    }
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(o, &tg->tasks, tg_node) {
            if (!is_meant(&w, o))
                continue;
            ret = set_one(t, o, prio);
            if (ret)
                return ret;
        }
    }
    return ret;
}

/* Those who never chose one go by their nice value: __get_task_ioprio(). */
static int effective(const struct task *o)
{
    return CLASS(o->ioprio) ? o->ioprio : CLASS_BE << 13 | (o->tg->nice + 20) / 5;
}

long sys_ioprio_get(struct task *t, const struct sysargs *a)
{
    struct thread_group *tg;
    struct whom w;
    struct task *o;
    long best = -ESRCH;

    int err = find_whom(t, &w, arg_i32(a, 0), arg_i32(a, 1));
    if (err)
        return err;
    if (w.which == WHO_PROCESS) {
        o = one(t, w.who);
        return o ? o->ioprio : -ESRCH;
    }
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(o, &tg->tasks, tg_node) {
            if (is_meant(&w, o))
                best = best < 0 ? effective(o) : MIN(best, (long)effective(o));
        }
    }
    return best;
}
