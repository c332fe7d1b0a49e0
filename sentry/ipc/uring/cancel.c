/* Finding requests, and ending those of a user's choice, of a ring or of a task. */
#include <errno.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"

static struct list *bucket(struct uring *u, uint64_t user_data)
{
    return &u->buckets[(user_data * 0x9e3779b97f4a7c15U) >> 32 & (URING_BUCKETS - 1)];
}

struct uring_req *uring_find(struct uring *u, uint64_t user_data, int op)
{
    struct uring_req *r;

    list_for_each(r, bucket(u, user_data), bucket) {
        if (r->sqe.user_data == user_data && r->sqe.opcode == op && !r->runs)
            return r;
    }
    return NULL;
}

void uring_req_rename(struct uring_req *r, uint64_t user_data)
{
    r->sqe.user_data = user_data;
    list_del(&r->bucket);
    list_add_tail(bucket(r->ring, user_data), &r->bucket);
}

/* io_cancel_req_match() */
static bool matches(const struct uring_req *r, const struct uring_match *m)
{
    bool by_number = (m->flags & IORING_ASYNC_CANCEL_USERDATA) ||
                     !(m->flags & (IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP));
    bool is_timer = r->sqe.opcode == IORING_OP_TIMEOUT;

    if (!r->begun || (r->has_res && r->res))
        return false;
    if (m->flags & IORING_ASYNC_CANCEL_ANY)
        return true;
    if ((m->flags & IORING_ASYNC_CANCEL_FD) && (is_timer || r->file != m->file))
        return false;
    if ((m->flags & IORING_ASYNC_CANCEL_OP) && r->sqe.opcode != m->opcode)
        return false;
    return !by_number || r->sqe.user_data == m->user_data;
}

static bool by_number_only(const struct uring_match *m)
{
    return !(m->flags &
             (IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP));
}

static struct uring_req *next_match(struct uring *u, const struct uring_match *m)
{
    struct list *const lists[] = {&u->pending, &u->ready, &u->counting};
    struct uring_req *r;

    if (by_number_only(m)) {
        list_for_each(r, bucket(u, m->user_data), bucket) {
            if (!r->runs && matches(r, m))
                return r;
        }
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each(r, lists[i], node) {
            if (matches(r, m))
                return r;
        }
    return NULL;
}

/* What is cancelled ends after this: it is told that it was before it is told as cancelled. */
long uring_cancel(struct uring *u, const struct uring_match *m)
{
    bool all = m->flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    struct uring_req *r;
    long n = 0;

    while ((r = next_match(u, m))) {
        uring_req_doom(r);
        if (!all)
            return 0;
        n++;
    }
    if (all)
        return n;
    list_for_each(r, &u->running, node) {
        if (matches(r, m) && r->sqe.opcode != IORING_OP_ASYNC_CANCEL)
            return -EALREADY;
    }
    return -ENOENT;
}

/* Of t, or of all. tracked: only those that would keep rings alive, or their task. */
static struct uring_req *first_of(struct uring *u, const struct task *t, bool tracked)
{
    struct list *const lists[] = {&u->ready, &u->pending, &u->counting, &u->held};
    struct uring_req *r;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each(r, lists[i], node) {
            if ((!t || r->task == t) &&
                (!tracked || lists[i] == &u->ready || (r->file && is_uring(r->file))))
                return r;
        }
    return NULL;
}

void uring_cancel_all(struct uring *u)
{
    struct uring_req *r;

    while ((r = first_of(u, NULL, false)))
        uring_req_complete(r, -ECANCELED);
}

/*
 * io_uring_cancel_generic(): exec cancels all of a task's requests. When it exits they stay, and
 * end when their files become ready; those with files that are rings end now, as these would hold
 * each other, and those that its fiber was to go on with.
 */
void uring_task_cancel(struct task *t, bool exec)
{
    struct uring_req *r;
    struct uring *u;

    list_for_each(u, &urings, ring_node)
        while ((r = first_of(u, t, !exec)))
            uring_req_complete(r, -ECANCELED);
    t->uring_work = false;
}
