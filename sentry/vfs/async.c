/*
 * O_ASYNC: a file's owner is sent SIGIO, or the signal of F_SETSIG, when something happens on it:
 * fcntl(2). An armed file hangs waiters on the queues it would be polled by. As on Linux only kinds
 * that support it can be armed; for others the flag is dropped.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define QUEUES_MAX 4

struct async_waiter {
    struct waiter w;
    struct file_async *a;
};

struct file_async {
    struct poll_table pt;
    struct file *file; /* which owns this */
    int fd;            /* that it was armed through: si_fd */
    int nwaiters;
    struct async_waiter waiters[QUEUES_MAX];
};

static const struct {
    uint32_t events;
    int code;
    long band;
} reasons[] = {
    {EPOLLIN, POLL_IN, POLLIN | POLLRDNORM},
    {EPOLLOUT, POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND},
    {EPOLLPRI, POLL_PRI, POLLPRI | POLLRDBAND},
    {EPOLLERR, POLL_ERR, POLLERR},
    {EPOLLHUP | EPOLLRDHUP, POLL_HUP, POLLHUP | POLLERR},
};

/* fs/fcntl.c sigio_perm(): who set the owner must be allowed to signal it. */
static bool may_signal(const struct file *f, const struct task *to)
{
    return f->owner_euid == 0 || f->owner_euid == to->cred->suid ||
           f->owner_euid == to->cred->uid || f->owner_uid == to->cred->suid ||
           f->owner_uid == to->cred->uid;
}

static void send_to(const struct file *f, struct task *to, bool thread, const siginfo_t *info)
{
    siginfo_t plain;

    if (!to || !may_signal(f, to))
        return;
    int err = thread ? signal_send_task(to, info) : signal_send_group(to->tg, info);
    if (!err || info->si_signo == SIGIO)
        return;
    /* The queue of that signal is full. */
    siginfo_kernel(&plain, SIGIO);
    thread ? signal_send_task(to, &plain) : signal_send_group(to->tg, &plain);
}

static void send_owner(const struct file *f, const siginfo_t *info)
{
    if (f->owner_type == F_OWNER_TID) {
        send_to(f, task_find(f->owner_pid), true, info);
    } else if (f->owner_type == F_OWNER_PID) {
        struct thread_group *tg = tg_find(f->owner_pid);
        send_to(f, tg ? tg->leader : NULL, false, info);
    } else {
        struct process_group *pg = pgrp_find(f->owner_pid);
        struct thread_group *tg, *next;
        if (pg)
            list_for_each_safe(tg, next, &pg->members, pgrp_node)
                send_to(f, tg->leader, false, info);
    }
}

void file_send_urgent(const struct file *f)
{
    siginfo_t info;

    if (!f->owner_pid)
        return;
    siginfo_kernel(&info, SIGURG);
    send_owner(f, &info);
}

static void notify(struct waiter *w, uint32_t events)
{
    struct file_async *a = container_of(w, struct async_waiter, w)->a;
    const struct file *f = a->file;
    siginfo_t info;
    size_t i = 0;

    while (i < ARRAY_SIZE(reasons) && !(events & reasons[i].events))
        i++;
    if (!f->owner_pid || i == ARRAY_SIZE(reasons))
        return;
    siginfo_kernel(&info, f->owner_sig ? f->owner_sig : SIGIO);
    if (f->owner_sig) {
        info.si_code = reasons[i].code;
        info.si_band = reasons[i].band;
        info.si_fd = a->fd;
    }
    send_owner(f, &info);
}

static void add_waiter(struct poll_table *pt, struct waitq *q)
{
    struct file_async *a = container_of(pt, struct file_async, pt);

    if (a->nwaiters == QUEUES_MAX)
        return;
    struct async_waiter *aw = &a->waiters[a->nwaiters++];
    *aw = (struct async_waiter){.w = {.mask = ~0U, .wake = notify}, .a = a};
    waitq_add(q, &aw->w);
}

static bool supports_async(const struct file *f)
{
    return f->ops->poll && (f->ops->is_socket || S_ISFIFO(f->inode->mode) ||
                            S_ISCHR(f->inode->mode) || !strcmp(f->ops->kind ?: "", "inotify"));
}

int file_async_arm(struct file *f, int fd)
{
    if (!supports_async(f))
        return -ENOTTY;
    if (f->async) {
        f->async->fd = fd;
        return 0;
    }
    f->async = calloc(1, sizeof(*f->async));
    if (!f->async)
        return -ENOMEM;
    f->async->pt.add = add_waiter;
    f->async->file = f;
    f->async->fd = fd;
    file_poll(f, &f->async->pt);
    return 0;
}

int file_async_fd(const struct file *f)
{
    return f->async ? f->async->fd : -1;
}

void file_async_disarm(struct file *f)
{
    if (!f->async)
        return;
    for (int i = 0; i < f->async->nwaiters; i++)
        waitq_del(&f->async->waiters[i].w);
    free(f->async);
    f->async = NULL;
}
