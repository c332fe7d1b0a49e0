/*
 * Listeners: calls that a filter leaves to another process, seccomp_unotify(2). A call waits in its
 * notifier from the time it is made until it is answered, interrupted, or the listener is closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "sentry/ns/ns.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/file.h"

#define ID_VALID_WRONG_DIR SECCOMP_IOR(2, __u64) /* of kernels before 5.17 */
#define ADDFD_SEND 2                             /* SECCOMP_ADDFD_FLAG_SEND */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum question_state { ASKED, TAKEN, ANSWERED };

struct question {
    struct list node;
    struct task *t;
    uint64_t id;
    enum question_state state;
    const struct seccomp_data *data;
    long result;
    bool go_on; /* SECCOMP_USER_NOTIF_FLAG_CONTINUE */
    struct waitq wq;
};

struct notifier {
    struct seccomp_filter *filter; /* NULL: no task has it any more */
    struct list questions;
    uint64_t next_id;
    struct waitq wq;
};

static void answer(struct question *q, long result, bool go_on)
{
    q->state = ANSWERED;
    q->result = result;
    q->go_on = go_on;
    waitq_wake_all(&q->wq);
}

bool seccomp_ask(struct task *t, struct seccomp_filter *f, const struct seccomp_data *d)
{
    struct notifier *n = f->notifier;
    struct question q = {.t = t, .data = d, .state = ASKED};
    int err = 0;

    if (!n) {
        t->sys_result = -ENOSYS;
        return false;
    }
    if (t->resuming && t->asked_id) { /* it has been asked before the sandbox froze */
        q.id = t->asked_id;
        q.state = t->asked_taken ? TAKEN : ASKED;
    } else {
        q.id = n->next_id++;
    }
    t->asked_id = 0;
    waitq_init(&q.wq);
    list_add_tail(&n->questions, &q.node);
    waitq_wake_all(&n->wq);
    while (q.state != ANSWERED && !err)
        err = f->wait_killable && q.state == TAKEN ? task_wait_freezable(t, &q.wq)
                                                   : task_wait(t, &q.wq, NO_DEADLINE);
    list_del(&q.node);
    if (q.state != ANSWERED) {
        if (sandbox_freezing && !task_signal_waiting(t)) {
            t->asked_id = q.id;
            t->asked_taken = q.state == TAKEN;
        }
        t->sys_result = err == -EINTR ? -ERESTARTNOINTR : err;
        return false;
    }
    t->sys_result = q.result;
    return q.go_on;
}

void seccomp_filter_unused(struct seccomp_filter *f)
{
    if (!f->notifier)
        return;
    f->notifier->filter = NULL;
    waitq_wake_all(&f->notifier->wq); /* EPOLLHUP */
}

/* --- the descriptor --- */
static struct question *first_asked(struct notifier *n)
{
    struct question *q;

    list_for_each(q, &n->questions, node) {
        if (q->state == ASKED)
            return q;
    }
    return NULL;
}

static struct question *find(struct notifier *n, uint64_t id)
{
    struct question *q;

    list_for_each(q, &n->questions, node) {
        if (q->id == id)
            return q;
    }
    return NULL;
}

/* One whose task is about to ask it again counts as well. May park. */
static struct question *await(struct task *t, struct notifier *n, uint64_t id)
{
    struct thread_group *tg;
    struct question *q;
    struct task *o;

    for (;;) {
        bool comes = false;
        q = find(n, id);
        if (q)
            return q;
        list_for_each(tg, &all_thread_groups, all_node) {
            list_for_each(o, &tg->tasks, tg_node)
                comes |= o->asked_id == id && id && o->cut_short;
        }
        if (!comes || task_wait(t, &n->wq, NO_DEADLINE))
            return NULL;
    }
}

static uint32_t listener_poll(struct file *f, struct poll_table *pt)
{
    struct notifier *n = f->priv;
    struct question *q;
    uint32_t events = n->filter ? 0 : EPOLLHUP;

    poll_wait(pt, &n->wq);
    list_for_each(q, &n->questions, node) {
        if (q->state == ASKED)
            events |= EPOLLIN | EPOLLRDNORM;
        else if (q->state == TAKEN)
            events |= EPOLLOUT | EPOLLWRNORM;
    }
    return events;
}

static void listener_release(struct file *f)
{
    struct notifier *n = f->priv;
    struct question *q;

    if (n->filter)
        n->filter->notifier = NULL;
    list_for_each(q, &n->questions, node)
        answer(q, -ENOSYS, false);
    /* Who waited takes its question off the list when it runs: the list must not be here then. */
    while (!list_empty(&n->questions)) {
        q = list_first(&n->questions, struct question, node);
        list_del(&q->node);
        list_init(&q->node);
    }
    waitq_release(&n->wq);
    free(n);
}

static long receive(struct task *t, struct file *f, uint64_t at)
{
    struct notifier *n = f->priv;
    struct seccomp_notif out;
    const struct seccomp_notif zeros = {0};
    struct question *q;

    if (get_user(t, &out, at))
        return -EFAULT;
    if (memcmp(&out, &zeros, sizeof(out)) != 0)
        return -EINVAL;
    while (!(q = first_asked(n))) {
        if (!n->filter)
            return -ENOENT;
        int err = task_wait(t, &n->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    out.id = q->id;
    out.pid = (uint32_t)task_nr(q->t);
    out.data = *q->data;
    q->state = TAKEN;
    waitq_wake_all(&n->wq);
    if (!put_user(t, &out, at))
        return 0;
    q = find(n, out.id);
    if (q && q->state == TAKEN) { /* for another try */
        q->state = ASKED;
        waitq_wake_all(&n->wq);
    }
    return -EFAULT;
}

static long reply(struct task *t, struct notifier *n, uint64_t at)
{
    struct seccomp_notif_resp r;

    if (get_user(t, &r, at))
        return -EFAULT;
    if ((r.flags & ~(uint32_t)SECCOMP_USER_NOTIF_FLAG_CONTINUE) || (r.flags && (r.error || r.val)))
        return -EINVAL;
    struct question *q = await(t, n, r.id);
    if (!q)
        return -ENOENT;
    if (q->state != TAKEN)
        return -EINPROGRESS;
    answer(q, r.error ? r.error : (long)r.val, r.flags);
    return 0;
}

static long id_valid(struct task *t, struct notifier *n, uint64_t at)
{
    uint64_t id;

    if (get_user(t, &id, at))
        return -EFAULT;
    const struct question *q = await(t, n, id);
    return q && q->state == TAKEN ? 0 : -ENOENT;
}

static long add_fd(struct task *t, struct notifier *n, uint64_t at, size_t size)
{
    struct seccomp_notif_addfd a;

    if (size < sizeof(a) || size >= NV_PAGE_SIZE)
        return -EINVAL;
    if (get_user(t, &a, at))
        return -EFAULT;
    for (size_t i = sizeof(a); i < size; i++) { /* of a later kernel: only zeros */
        char c;
        if (get_user(t, &c, at + i))
            return -EFAULT;
        if (c)
            return -E2BIG;
    }
    if ((a.newfd_flags & ~(uint32_t)O_CLOEXEC) ||
        (a.flags & ~(uint32_t)(SECCOMP_ADDFD_FLAG_SETFD | ADDFD_SEND)) ||
        (a.newfd && !(a.flags & SECCOMP_ADDFD_FLAG_SETFD)))
        return -EINVAL;
    cleanup_file struct file *f = fd_get(t, (int)a.srcfd);
    if (!f)
        return -EBADF;
    struct question *q = await(t, n, a.id);
    if (!q)
        return -ENOENT;
    if (q->state != TAKEN)
        return -EINPROGRESS;
    struct task *to = task_get(q->t);
    long fd = a.flags & SECCOMP_ADDFD_FLAG_SETFD
                  ? fd_install_at(to, f, (int)a.newfd, a.newfd_flags & O_CLOEXEC)
                  : fd_install_steal(to, file_get(f), a.newfd_flags & O_CLOEXEC);
    task_put(to);
    q = find(n, a.id);
    if (fd >= 0 && (a.flags & ADDFD_SEND) && q && q->state == TAKEN)
        answer(q, fd, false);
    return fd;
}

static long listener_ioctl(struct task *t, struct file *f, unsigned int cmd, uint64_t arg)
{
    struct notifier *n = f->priv;

    switch (cmd) {
    case SECCOMP_IOCTL_NOTIF_RECV:
        return receive(t, f, arg);
    case SECCOMP_IOCTL_NOTIF_SEND:
        return reply(t, n, arg);
    case SECCOMP_IOCTL_NOTIF_ID_VALID:
    case ID_VALID_WRONG_DIR:
        return id_valid(t, n, arg);
    case SECCOMP_IOCTL_NOTIF_SET_FLAGS: /* where to wake on: nothing to do for one processor */
        return arg & ~1UL ? -EINVAL : 0;
    default:
        if ((cmd & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT)) ==
            (SECCOMP_IOCTL_NOTIF_ADDFD & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT)))
            return add_fd(t, n, arg, _IOC_SIZE(cmd));
        return -EINVAL;
    }
}

static const struct file_ops listener_ops = {
    .kind = "seccomp notify",
    .poll = listener_poll,
    .ioctl = listener_ioctl,
    .release = listener_release,
    .priv_type = &ckpt_seccomp_listener,
};
CKPT_SYMBOL("file_ops", "seccomp listener", listener_ops);

struct file *seccomp_listener(struct seccomp_filter *f)
{
    struct notifier *n = calloc(1, sizeof(*n));
    struct file *file = n ? file_new_anon(&listener_ops, 0600, O_RDWR, n) : NULL;

    if (!file) {
        free(n);
        return NULL;
    }
    n->filter = f;
    f->notifier = n;
    n->next_id = 1;
    list_init(&n->questions);
    waitq_init(&n->wq);
    return file;
}

/* --- checkpoints: calls that wait are made again, and ask again --- */
static void *listener_create(struct ckpt_reader *r)
{
    struct notifier *n = calloc(1, sizeof(*n));

    if (n) {
        list_init(&n->questions);
        waitq_init(&n->wq);
    }
    return n;
}

static void listener_link(struct ckpt_reader *r, void *obj)
{
    struct notifier *n = obj;

    if (n->filter && n->filter->notifier)
        ckpt_bad(r, "a filter with two listeners");
    else if (n->filter)
        n->filter->notifier = n;
}

static const struct ckpt_field listener_fields[] = {
    CKPT_WEAK(struct notifier, filter, &ckpt_seccomp_filter),
    CKPT_UINT(struct notifier, next_id),
};

const struct ckpt_type ckpt_seccomp_listener = {
    .name = "seccomp_listener",
    .id = CT_SECCOMP_LISTENER,
    .version = 1,
    CKPT_TABLE(listener_fields),
    .create = listener_create,
    .link = listener_link,
};
CKPT_TYPE_REGISTER(ckpt_seccomp_listener);

static void filter_save(struct ckpt_writer *w, void *obj)
{
    const struct seccomp_filter *f = obj;

    ckpt_put_u32(w, f->len);
    ckpt_put_bytes(w, f->insns, f->len * sizeof(*f->insns));
}

static void filter_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct seccomp_filter *f = obj;

    f->len = ckpt_get_count(r, BPF_LEN_MAX, sizeof(*f->insns));
    f->insns = calloc(f->len + 1, sizeof(*f->insns));
    if (!f->insns) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ckpt_get_bytes(r, f->insns, f->len * sizeof(*f->insns));
    if (!ckpt_failed(r) && bpf_check(f->insns, f->len))
        ckpt_bad(r, "not a program that could have been set");
}

static void filter_link(struct ckpt_reader *r, void *obj)
{
    struct seccomp_filter *f = obj, *p;
    int depth = 0;

    for (p = f->prev; p && depth < BPF_LEN_MAX * 8; p = p->prev)
        depth++;
    if (p)
        ckpt_bad(r, "follows itself");
}

static void filter_hold(void *obj)
{
    ((struct seccomp_filter *)obj)->refs++;
}

static const struct ckpt_field filter_fields[] = {
    CKPT_REF(struct seccomp_filter, prev, &ckpt_seccomp_filter),
    CKPT_BOOL(struct seccomp_filter, log),
    CKPT_BOOL(struct seccomp_filter, wait_killable),
};

const struct ckpt_type ckpt_seccomp_filter = {
    .name = "seccomp_filter",
    .id = CT_SECCOMP_FILTER,
    .version = 1,
    .size = sizeof(struct seccomp_filter),
    CKPT_TABLE(filter_fields),
    .save = filter_save,
    .load = filter_load,
    .link = filter_link,
    .hold = filter_hold,
};
CKPT_TYPE_REGISTER(ckpt_seccomp_filter);
