/*
 * Files in flight: descriptors sent with SCM_RIGHTS and not yet received. A socket whose file only
 * queues refer to can still be reached if one of those queues can; what remains, cycles of sockets
 * in each other's queues, is freed by mark and sweep when some socket is closed or too many are
 * sent.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/socket/unix/unix.h"

#define INFLIGHT_MAX 262144 /* whatever the limits and capabilities of the senders */
#define INFLIGHT_LOOK 2024  /* so many are worth a look: SCM_MAX_FD * 8 of net/unix/garbage.c */
#define CAP_SYS_ADMIN 21
#define CAP_SYS_RESOURCE 24

static struct list inflight_socks = LIST_INIT(inflight_socks);
static size_t inflight_files;

static struct unix_sock *unix_of_file(const struct file *f)
{
    struct socket *s = socket_of(f);

    return s && s->ops == &unix_ops ? unix_of(s) : NULL;
}

int unix_inflight_check(struct task *t, const struct scm_files *files)
{
    static size_t look_at = INFLIGHT_LOOK;

    /* Nobody may ever close another socket: one that makes cycles only has to be met here. */
    if (inflight_files >= look_at) {
        unix_gc();
        look_at = 2 * inflight_files + INFLIGHT_LOOK;
    }
    if (inflight_files + (size_t)files->n > INFLIGHT_MAX)
        return -ETOOMANYREFS;
    if (inflight_files > rlimit_cur(t, RLIMIT_NOFILE) && !cred_capable(t->cred, CAP_SYS_RESOURCE) &&
        !cred_capable(t->cred, CAP_SYS_ADMIN))
        return -ETOOMANYREFS;
    return 0;
}

void unix_inflight_add(const struct scm_files *files)
{
    inflight_files += (size_t)files->n;
    for (int i = 0; i < files->n; i++) {
        struct unix_sock *u = unix_of_file(files->file[i]);
        if (u && !u->inflight++)
            list_add_tail(&inflight_socks, &u->inflight_node);
    }
}

void unix_inflight_del(const struct scm_files *files)
{
    inflight_files -= (size_t)files->n;
    for (int i = 0; i < files->n; i++) {
        struct unix_sock *u = unix_of_file(files->file[i]);
        if (u && !--u->inflight)
            list_del(&u->inflight_node);
    }
}

void unix_files_drop(struct scm_files *files)
{
    if (!files)
        return;
    unix_inflight_del(files);
    scm_files_release(files);
}

/* --- garbage --- */
typedef void visit_fn(struct unix_sock *u, void *arg);

static void visit_files(const struct scm_files *files, visit_fn *visit, void *arg)
{
    for (int i = 0; files && i < files->n; i++) {
        struct unix_sock *u = unix_of_file(files->file[i]);
        if (u && u->gc_candidate)
            visit(u, arg);
    }
}

static void visit_own_queue(struct unix_sock *u, visit_fn *visit, void *arg)
{
    struct unix_packet *p;
    struct unix_mark *k;

    list_for_each(k, &u->marks, node)
        visit_files(k->files, visit, arg);
    list_for_each(p, &u->packets, node)
        visit_files(p->scm.files, visit, arg);
}

/* Candidates that lie in the queue of u, or of connections it has not accepted yet. */
static void visit_queue(struct unix_sock *u, visit_fn *visit, void *arg)
{
    struct unix_sock *c;

    visit_own_queue(u, visit, arg);
    list_for_each(c, &u->accept_queue, accept_node)
        visit_own_queue(c, visit, arg);
}

static void drop_ref(struct unix_sock *u, void *arg)
{
    u->gc_refs--;
}

static void reach(struct unix_sock *u, void *live)
{
    u->gc_candidate = false;
    list_del(&u->gc_node);
    list_add_tail(live, &u->gc_node);
}

static struct scm_files *take_queue(struct unix_sock *u, struct scm_files *doomed)
{
    struct unix_packet *p;
    struct unix_mark *k;

    list_for_each(k, &u->marks, node) {
        if (!k->files)
            continue;
        unix_inflight_del(k->files);
        k->files->next = doomed;
        doomed = k->files;
        k->files = NULL;
    }
    list_for_each(p, &u->packets, node) {
        if (!p->scm.files)
            continue;
        unix_inflight_del(p->scm.files);
        p->scm.files->next = doomed;
        doomed = p->scm.files;
        p->scm.files = NULL;
    }
    return doomed;
}

/* Sockets nothing but queues refer to; those a queue outside holds, and what they hold, live. */
static void find_garbage(struct list *garbage, struct list *live)
{
    struct unix_sock *u, *tmp;

    list_for_each(u, &inflight_socks, inflight_node) {
        u->gc_candidate = u->s.file && (int)u->s.file->refs == u->inflight;
        u->gc_refs = u->inflight;
        if (u->gc_candidate)
            list_add_tail(garbage, &u->gc_node);
    }
    list_for_each(u, garbage, gc_node)
        visit_queue(u, drop_ref, NULL);
    list_for_each_safe(u, tmp, garbage, gc_node) {
        if (u->gc_refs > 0)
            reach(u, live);
    }
    while (!list_empty(live)) {
        u = list_first(live, struct unix_sock, gc_node);
        list_del(&u->gc_node);
        visit_queue(u, reach, live);
    }
}

void unix_gc(void)
{
    static bool busy;
    struct list garbage = LIST_INIT(garbage), live = LIST_INIT(live);
    struct scm_files *doomed = NULL;
    struct unix_sock *c;

    if (busy || list_empty(&inflight_socks))
        return;
    busy = true;
    find_garbage(&garbage, &live);
    while (!list_empty(&garbage)) {
        struct unix_sock *u = list_first(&garbage, struct unix_sock, gc_node);
        list_del(&u->gc_node);
        u->gc_candidate = false;
        doomed = take_queue(u, doomed);
        list_for_each(c, &u->accept_queue, accept_node)
            doomed = take_queue(c, doomed);
    }
    while (doomed) {
        struct scm_files *next = doomed->next;
        scm_files_release(doomed);
        doomed = next;
    }
    busy = false;
}
