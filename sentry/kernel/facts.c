/*
 * What a guest thread may know about itself without asking: platform->set_facts(). Published when
 * it has changed since the thread last ran, and at once when its parent ends.
 */
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"

void task_publish_facts(struct task *t)
{
    const struct cred *c = t->cred;
    const struct platform_facts f = {
        /*
         * A trace shows every call, and a filter decides about each; maps of ids are written after
         * the namespace is entered.
         */
        .valid = !sandbox->strace_filter && !t->trace.tracer && !t->seccomp_mode && !c->user_ns &&
                 !t->dispatch.on,
        .pid = pid_nr(t->pid_ns, t->tg->tgid),
        .tid = pid_nr(t->pid_ns, t->tid),
        .ppid = t->tg->parent ? pid_nr(t->pid_ns, t->tg->parent->tgid) : 0,
        .uid = kuid_seen(t, c->uid),
        .euid = kuid_seen(t, c->euid),
        .gid = kgid_seen(t, c->gid),
        .egid = kgid_seen(t, c->egid),
    };

    if (!t->thr)
        return; /* it gets them when it runs */
    t->facts_cred = c;
    t->facts_parent = t->tg->parent;
    if (platform->set_facts)
        platform->set_facts(t->thr, &f);
}
