/* Namespaces of process ids: pid_namespaces(7). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"

static struct list all = LIST_INIT(all);

int pid_ns_init(struct pid_ns *ns)
{
    ns->to_id = calloc(PID_IDS, sizeof(uint16_t));
    ns->to_nr = calloc(PID_IDS, sizeof(uint16_t));
    if (!ns->to_id || !ns->to_nr) {
        free(ns->to_id);
        free(ns->to_nr);
        return -ENOMEM;
    }
    list_add_tail(&all, &ns->node);
    return 0;
}

int pid_ns_new(struct task *t, struct pid_ns **out)
{
    struct pid_ns *parent = t->pid_ns_children;
    unsigned int level = parent ? parent->level + 1 : 1;

    if (level > NS_LEVELS_MAX || !ns_count_add())
        return -ENOSPC;
    struct pid_ns *ns = calloc(1, sizeof(*ns));
    if (!ns || pid_ns_init(ns)) {
        free(ns);
        ns_count_sub();
        return -ENOMEM;
    }
    ns->base.refs = 1;
    ns->base.id = ns_next_id();
    ns->base.owner = user_ns_get(t->cred->user_ns);
    ns->parent = pid_ns_get(parent);
    ns->level = level;
    *out = ns;
    return 0;
}

struct pid_ns *pid_ns_get(struct pid_ns *ns)
{
    if (ns)
        ns->base.refs++;
    return ns;
}

void pid_ns_put(struct pid_ns *ns)
{
    while (ns && --ns->base.refs == 0) {
        struct pid_ns *parent = ns->parent;
        list_del(&ns->node);
        user_ns_put(ns->base.owner);
        free(ns->to_id);
        free(ns->to_nr);
        free(ns);
        ns_count_sub();
        ns = parent;
    }
}

/* Numbers of what is gone were forgotten: pid_ns_forget(). */
int pid_ns_number(struct pid_ns *ns, pid_t id)
{
    for (; ns; ns = ns->parent) {
        uint16_t nr = ns->last;
        if (ns->dead)
            return -ENOMEM;
        for (int tries = 0; tries < PID_IDS; tries++) {
            nr = nr + 1 >= PID_IDS ? 2 : (uint16_t)(nr + 1);
            if (!ns->to_id[nr])
                break;
        }
        if (ns->to_id[nr])
            return -EAGAIN;
        ns->last = nr;
        ns->to_id[nr] = (uint16_t)id;
        ns->to_nr[id] = nr;
    }
    return 0;
}

void pid_ns_forget(pid_t id)
{
    struct pid_ns *ns;

    list_for_each(ns, &all, node) {
        uint16_t nr = ns->to_nr[id];
        if (!nr)
            continue;
        ns->to_nr[id] = 0;
        ns->to_id[nr] = 0;
    }
}

pid_t pid_nr(const struct pid_ns *ns, pid_t id)
{
    if (!ns || id <= 0)
        return id;
    return id < PID_IDS ? ns->to_nr[id] : 0;
}

pid_t pid_id(const struct pid_ns *ns, pid_t nr)
{
    if (!ns || nr <= 0)
        return nr;
    return nr < PID_IDS ? ns->to_id[nr] : 0;
}

bool pid_ns_is_in(const struct pid_ns *ns, const struct pid_ns *top)
{
    while (ns && ns != top)
        ns = ns->parent;
    return ns == top;
}

static const struct pid_ns *current_ns(void)
{
    const struct task *t = task_current();

    return t ? t->pid_ns : NULL;
}

pid_t id_nr(pid_t id)
{
    return pid_nr(current_ns(), id);
}

pid_t task_nr(const struct task *t)
{
    return id_nr(t->tid);
}

pid_t tg_nr(const struct thread_group *tg)
{
    return id_nr(tg->tgid);
}

struct ucred ucred_seen(const struct task *t, const struct ucred *u)
{
    if (u->uid == NO_KID) /* nobody's */
        return *u;
    return (struct ucred){pid_nr(t->pid_ns, u->pid), kuid_seen(t, u->uid), kgid_seen(t, u->gid)};
}

/* zap_pid_ns_processes(): all that live in it die, and nothing new can be made. */
void pid_ns_zap(struct pid_ns *ns)
{
    struct thread_group *tg;

    ns->dead = true;
    ns->reaper = NULL;
    list_for_each(tg, &all_thread_groups, all_node) {
        if (!tg->zombie && tg->leader && tg->tgid < PID_IDS && ns->to_nr[tg->tgid] &&
            pid_ns_is_in(tg->leader->pid_ns, ns))
            tg_exit(tg, SIGKILL);
    }
}
