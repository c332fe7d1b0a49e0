/*
 * How many pages of pipes a user may have: pipe(7), /proc/sys/fs/pipe-user-pages-soft. Beyond the
 * soft limit unprivileged users get pipes of two pages. Users without pipes are not here.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/pipe_internal.h"
#include "sentry/kernel/task.h"

#define CAP_SYS_ADMIN 21
#define CAP_SYS_RESOURCE 24

struct pipe_user {
    struct list node;
    uid_t uid;
    uint64_t pages;
    size_t pipes;
};

static struct list users = LIST_INIT(users);

static struct pipe_user *find_user(uid_t uid)
{
    struct pipe_user *u;

    list_for_each(u, &users, node) {
        if (u->uid == uid)
            return u;
    }
    u = calloc(1, sizeof(*u));
    if (!u)
        return NULL;
    u->uid = uid;
    list_add(&users, &u->node);
    return u;
}

bool pipe_privileged(const struct task *t)
{
    return cred_capable(t->cred, CAP_SYS_RESOURCE) || cred_capable(t->cred, CAP_SYS_ADMIN);
}

int pipe_charge(struct pipe *p, uid_t uid)
{
    p->user = find_user(uid);
    if (!p->user)
        return -ENOMEM;
    p->user->pages += p->limit / NV_PAGE_SIZE;
    p->user->pipes++;
    return 0;
}

void pipe_resize(struct pipe *p, size_t size)
{
    p->user->pages += size / NV_PAGE_SIZE - p->limit / NV_PAGE_SIZE;
    p->limit = size;
}

void pipe_uncharge(struct pipe *p)
{
    if (!p->user)
        return;
    p->user->pages -= p->limit / NV_PAGE_SIZE;
    if (!--p->user->pipes) {
        list_del(&p->user->node);
        free(p->user);
    }
    p->user = NULL;
}

bool pipe_pages_over(const struct pipe *p, size_t size)
{
    return p->user->pages - p->limit / NV_PAGE_SIZE + size / NV_PAGE_SIZE > PIPE_USER_PAGES_SOFT;
}

uid_t pipe_uid(const struct pipe *p)
{
    return p->user->uid;
}
