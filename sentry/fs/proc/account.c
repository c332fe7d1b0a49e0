/* Files of /proc/PID about what a process has done, and small ones with settings: proc(5). */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/rusage.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usage.h"
#include "sentry/ns/ns.h"

#define OOM_ADJ_MAX 15
#define OOM_ADJ_DISABLE (-17)

/* Bytes that went to and came from storage are not known: files are the host's, or memory. */
static int print_io(const struct task_io *io, struct strbuf *out)
{
    strbuf_printf(out,
                  "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\n"
                  "write_bytes: 0\ncancelled_write_bytes: 0\n",
                  (unsigned long)io->rchar, (unsigned long)io->wchar, (unsigned long)io->syscr,
                  (unsigned long)io->syscw);
    return 0;
}

int proc_fill_io(struct task *t, struct strbuf *out)
{
    const struct task_io io = tg_io(t->tg);

    return task_may_access(task_current(), t) ? print_io(&io, out) : -EACCES;
}

int proc_fill_thread_io(struct task *t, struct strbuf *out)
{
    return task_may_access(task_current(), t) ? print_io(&t->io, out) : -EACCES;
}

/* Who has been left by the thread that made it is of the group's leader. */
int proc_fill_children(struct task *t, struct strbuf *out)
{
    const struct thread_group *c;

    list_for_each(c, &t->tg->children, sibling) {
        const struct task *maker = task_find(c->parent_tid);
        if (maker && maker->tg == t->tg ? maker == t : t == t->tg->leader)
            strbuf_printf(out, "%d ", tg_nr(c));
    }
    return 0;
}

/* oom_badness(), of which proc_oom_score() makes 0 to 2000. */
int proc_fill_oom_score(struct task *t, struct strbuf *out)
{
    const long total = MAX((long)(memory_usage().total / NV_PAGE_SIZE), 1);
    const long adj = t->tg->oom_score_adj;
    long points = 0;

    if (t->mm && adj != -1000)
        points = (1000 + ((long)(t->mm->usage.resident / NV_PAGE_SIZE) + adj * (total / 1000)) *
                             1000 / total) *
                 2 / 3;
    strbuf_printf(out, "%ld\n", MAX(points, 0));
    return 0;
}

int proc_fill_oom_score_adj(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%d\n", t->tg->oom_score_adj);
    return 0;
}

static int parse_adj(const char *buf, size_t len, long min, long max, long *v)
{
    char text[16], *end;

    if (len >= sizeof(text))
        return -EINVAL;
    memcpy(text, buf, len);
    text[len] = 0;
    *v = strtol(text, &end, 0);
    return end == text || end[strspn(end, " \t\n")] || *v < min || *v > max ? -EINVAL : 0;
}

static int set_adj(struct task *t, long v)
{
    /* Less likely than its parents have made it: fs/proc/base.c __set_oom_adj(). */
    if (v < MIN(t->tg->oom_score_adj, 0) && !cred_capable(task_current()->cred, CAP_SYS_RESOURCE))
        return -EACCES;
    t->tg->oom_score_adj = (int)v;
    mm_tell_oom_score(t->mm, (int)v);
    return 0;
}

int proc_store_oom_score_adj(struct task *t, const char *buf, size_t len)
{
    long v;
    int err = parse_adj(buf, len, -1000, 1000, &v);

    return err ? err : set_adj(t, v);
}

/* The old scale of the same: -17 to 15. */
int proc_fill_oom_adj(struct task *t, struct strbuf *out)
{
    const int adj = t->tg->oom_score_adj;

    strbuf_printf(out, "%d\n", adj == 1000 ? OOM_ADJ_MAX : adj * -OOM_ADJ_DISABLE / 1000);
    return 0;
}

int proc_store_oom_adj(struct task *t, const char *buf, size_t len)
{
    long v;
    int err = parse_adj(buf, len, OOM_ADJ_DISABLE, OOM_ADJ_MAX, &v);

    return err ? err : set_adj(t, v == OOM_ADJ_MAX ? 1000 : v * 1000 / -OOM_ADJ_DISABLE);
}

int proc_fill_personality(struct task *t, struct strbuf *out)
{
    if (!task_may_access(task_current(), t))
        return -EPERM;
    strbuf_printf(out, "%08x\n", t->personality);
    return 0;
}

int proc_fill_projid_map(struct task *t, struct strbuf *out)
{
    const struct user_ns *ns = t->cred->user_ns;

    if (!ns || !ns->level)
        strbuf_puts(out, "         0          0 4294967295\n");
    return 0;
}

static int may_set_slack(const struct task *t)
{
    const struct task *v = task_current();

    return v == t || cred_capable(v->cred, CAP_SYS_NICE) ? 0 : -EPERM;
}

int proc_fill_timerslack(struct task *t, struct strbuf *out)
{
    int err = may_set_slack(t);

    if (!err)
        strbuf_printf(out, "%lu\n", (unsigned long)task_timer_slack(t));
    return err;
}

int proc_store_timerslack(struct task *t, const char *buf, size_t len)
{
    char *end;
    int err = may_set_slack(t);

    if (err)
        return err;
    errno = 0;
    unsigned long v = strtoul(buf, &end, 10);
    if (end == buf || errno || end[strspn(end, "\n")] || *buf == '-')
        return -EINVAL;
    t->timer_slack_ns = v;
    return 0;
}

/* Nobody has logged in: audit's identities are not set. */
int proc_fill_unset_id(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "4294967295");
    return 0;
}

/* Without a symbol, as Linux answers those who may not know. */
int proc_fill_wchan(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "0");
    return 0;
}
