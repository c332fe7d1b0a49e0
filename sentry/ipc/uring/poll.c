/* Waiting for files and for time, and ending the wait of others. */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/time/clock.h"

/* --- IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE --- */
int uring_prep_poll(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->buf_index || s->off || s->addr || s->len & ~(uint32_t)IORING_POLL_ADD_MULTI)
        return -EINVAL;
    r->multishot = s->len & IORING_POLL_ADD_MULTI;
    return r->multishot && (s->flags & IOSQE_CQE_SKIP_SUCCESS) ? -EINVAL : 0;
}

static uint32_t poll_events(const struct uring_req *r)
{
    return (r->sqe.poll32_events & 0xffff) | EPOLLERR | EPOLLHUP;
}

long uring_do_poll(struct uring_req *r)
{
    uint32_t events = poll_events(r);

    if (!r->file->ops->poll)
        return (long)(events & (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM));
    if (r->ring->nreqs > URING_PENDING_MAX)
        return -ENOMEM;
    uint32_t now = file_poll(r->file, NULL) & events;
    /* Each wake is told: the waiters are there before, and stay for those that follow. */
    if (now && (!r->multishot || !uring_req_more(r, (long)now)))
        return (long)now;
    uring_req_wait(r, r->file, events, false);
    return URING_WAITS;
}

int uring_prep_poll_remove(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    const uint32_t known =
        IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA | IORING_POLL_ADD_MULTI;

    if (s->buf_index || s->splice_fd_in || s->len & ~known || s->len == IORING_POLL_ADD_MULTI)
        return -EINVAL;
    if (!(s->len & IORING_POLL_UPDATE_USER_DATA) && s->off)
        return -EINVAL;
    return !(s->len & IORING_POLL_UPDATE_EVENTS) && s->poll32_events ? -EINVAL : 0;
}

/* Takes the other's place in no list: it starts anew with what is changed. */
long uring_do_poll_remove(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct uring_req *p = uring_find(r->ring, s->addr, IORING_OP_POLL_ADD);

    if (!p)
        return -ENOENT;
    if (!(s->len & (IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA))) {
        uring_req_complete(p, -ECANCELED);
        return 0;
    }
    if (s->len & IORING_POLL_UPDATE_EVENTS)
        p->sqe.poll32_events = s->poll32_events & 0xffff;
    if (s->len & IORING_POLL_UPDATE_USER_DATA)
        uring_req_rename(p, s->off);
    long n = uring_do_poll(p);
    if (n != URING_WAITS)
        uring_req_complete(p, n);
    return 0;
}

/* --- IORING_OP_TIMEOUT, IORING_OP_LINK_TIMEOUT, IORING_OP_TIMEOUT_REMOVE --- */
#define CLOCKS (IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME)

static clockid_t clock_of(uint32_t flags)
{
    return flags & IORING_TIMEOUT_REALTIME   ? CLOCK_REALTIME
           : flags & IORING_TIMEOUT_BOOTTIME ? CLOCK_BOOTTIME
                                             : CLOCK_MONOTONIC;
}

uint64_t uring_deadline(const struct uring_req *r)
{
    uint32_t flags = r->sqe.timeout_flags;

    return clock_to_deadline(clock_of(flags), &r->ts, flags & IORING_TIMEOUT_ABS);
}

static int get_time(struct uring_req *r, uint64_t addr)
{
    if (get_user(r->task, &r->ts, addr))
        return -EFAULT;
    if (r->ts.tv_sec < 0 || r->ts.tv_nsec < 0)
        return -EINVAL;
    r->ts.tv_sec += r->ts.tv_nsec / NSEC_PER_SEC;
    r->ts.tv_nsec %= NSEC_PER_SEC;
    r->ts.tv_sec = MIN(r->ts.tv_sec, (time_t)INT32_MAX); /* of years, it makes no difference */
    return 0;
}

static int prep_time(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    const uint32_t flags = s->timeout_flags;
    const uint32_t known =
        IORING_TIMEOUT_ABS | CLOCKS | IORING_TIMEOUT_ETIME_SUCCESS | URING_TIMEOUT_MULTISHOT;

    if (s->buf_index || s->len != 1 || s->splice_fd_in || flags & ~known)
        return -EINVAL;
    if ((flags & CLOCKS) == CLOCKS)
        return -EINVAL;
    if ((flags & URING_TIMEOUT_MULTISHOT) && (flags & IORING_TIMEOUT_ABS))
        return -EINVAL;
    return get_time(r, s->addr);
}

int uring_prep_timeout(struct uring_req *r)
{
    int err = prep_time(r);

    r->multishot = r->sqe.timeout_flags & URING_TIMEOUT_MULTISHOT;
    r->repeats = r->multishot ? (uint32_t)r->sqe.off : 0;
    return err;
}

int uring_prep_limit(struct uring_req *r)
{
    return (uint32_t)r->sqe.off ? -EINVAL : prep_time(r);
}

long uring_do_timeout(struct uring_req *r)
{
    if (r->ring->nreqs > URING_PENDING_MAX)
        return -ENOMEM;
    if ((uint32_t)r->sqe.off && !r->multishot)
        r->target = r->ring->posted + (uint32_t)r->sqe.off;
    uring_req_wait(r, NULL, 0, false);
    ktimer_arm(&r->timer, uring_deadline(r));
    return URING_WAITS;
}

/* It goes off again and again, as often as it is to: 0 is for ever. */
static bool repeated(struct uring_req *r)
{
    if (!r->multishot || r->repeats == 1 || !uring_req_more(r, -ETIME))
        return false;
    r->repeats -= r->repeats != 0;
    return true;
}

/* Of a linked time limit: what it limits is cancelled. */
static void limit_expired(struct uring_req *r)
{
    struct uring_req *limited = r->limited;

    r->limited = NULL;
    if (limited) {
        limited->limit = NULL;
        uring_req_complete(limited, -ECANCELED);
    }
    uring_req_complete(r, limited ? -ETIME : -ENOENT);
}

void uring_timer_expired(struct uring_req *r, bool in_task)
{
    if (!in_task && (r->ring->setup & IORING_SETUP_DEFER_TASKRUN) && r->task->fds) {
        r->has_res = true;
        uring_req_again(r);
        return;
    }
    if (r->sqe.opcode == IORING_OP_LINK_TIMEOUT) {
        limit_expired(r);
    } else if (repeated(r)) {
        uring_req_wait(r, NULL, 0, false);
        ktimer_arm(&r->timer, uring_deadline(r));
    } else {
        uring_req_complete(r, -ETIME);
    }
}

int uring_prep_timeout_remove(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    const uint32_t flags = s->timeout_flags;
    const uint32_t update = IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE;

    if (s->flags & IOSQE_FIXED_FILE || s->buf_index || s->len || s->splice_fd_in)
        return -EINVAL;
    if (!(flags & update))
        return flags ? -EINVAL : 0;
    if ((flags & CLOCKS) == CLOCKS || flags & ~(update | CLOCKS | IORING_TIMEOUT_ABS))
        return -EINVAL;
    return get_time(r, s->addr2);
}

static struct uring_req *find_limit(struct uring *u, uint64_t user_data)
{
    struct list *const lists[] = {&u->pending, &u->running, &u->counting};
    struct uring_req *r;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each(r, lists[i], node) {
            if (r->limit && r->limit->sqe.user_data == user_data)
                return r->limit;
        }
    return NULL;
}

long uring_do_timeout_remove(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool limit = s->timeout_flags & IORING_LINK_TIMEOUT_UPDATE;
    struct uring_req *old =
        limit ? find_limit(r->ring, s->addr) : uring_find(r->ring, s->addr, IORING_OP_TIMEOUT);

    if (!old)
        return -ENOENT;
    if (!s->timeout_flags) {
        uring_req_complete(old, -ECANCELED);
        return 0;
    }
    /* It keeps its clock, and is no longer about completions. */
    old->ts = r->ts;
    if (!limit) {
        old->target = UINT64_MAX;
        uring_req_wait(old, NULL, 0, false);
    }
    ktimer_arm(&old->timer, clock_to_deadline(clock_of(old->sqe.timeout_flags), &r->ts,
                                              s->timeout_flags & IORING_TIMEOUT_ABS));
    return 0;
}

/* --- IORING_OP_ASYNC_CANCEL, IORING_REGISTER_SYNC_CANCEL --- */
#define CANCEL_KNOWN                                                                               \
    (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY |                  \
     IORING_ASYNC_CANCEL_FD_FIXED | IORING_ASYNC_CANCEL_USERDATA | IORING_ASYNC_CANCEL_OP)

static int check_cancel(uint32_t flags)
{
    const uint32_t by = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP;

    return flags & ~(uint32_t)CANCEL_KNOWN || ((flags & IORING_ASYNC_CANCEL_ANY) && (flags & by))
               ? -EINVAL
               : 0;
}

int uring_prep_cancel(struct uring_req *r)
{
    return r->sqe.off || r->sqe.splice_fd_in ? -EINVAL : check_cancel(r->sqe.cancel_flags);
}

static long do_cancel(struct task *t, struct uring *u, struct uring_match *m, int fd, bool fixed)
{
    cleanup_file struct file *f = NULL;

    if (m->flags & IORING_ASYNC_CANCEL_FD) {
        struct uring_rsrc *n = fixed ? rsrc_get(&u->files, (uint32_t)fd) : NULL;
        f = !fixed ? fd_get(t, fd) : n ? file_get(n->file) : NULL;
        if (n)
            rsrc_put(u, n);
        if (!f)
            return -EBADF;
        m->file = f;
    }
    return uring_cancel(u, m);
}

long uring_do_cancel(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct uring_match m = {
        .flags = s->cancel_flags, .user_data = s->addr, .opcode = (uint8_t)s->len};

    return do_cancel(r->task, r->ring, &m, s->fd,
                     (s->flags & IOSQE_FIXED_FILE) ||
                         (s->cancel_flags & IORING_ASYNC_CANCEL_FD_FIXED));
}

struct sync_cancel { /* struct io_uring_sync_cancel_reg */
    uint64_t addr;
    int32_t fd;
    uint32_t flags;
    int64_t timeout[2];
    uint8_t opcode, pad[7];
    uint64_t pad2[3];
};

/* Nothing that can be found is in the middle of something that would have to be waited for. */
long uring_sync_cancel(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct sync_cancel c;

    if (!arg || n != 1)
        return -EINVAL;
    if (get_user(t, &c, arg))
        return -EFAULT;
    for (size_t i = 0; i < sizeof(c.pad); i++)
        if (c.pad[i])
            return -EINVAL;
    if (c.pad2[0] || c.pad2[1] || c.pad2[2] || check_cancel(c.flags))
        return -EINVAL;
    struct uring_match m = {.flags = c.flags, .user_data = c.addr, .opcode = c.opcode};
    return do_cancel(t, u, &m, c.fd, c.flags & IORING_ASYNC_CANCEL_FD_FIXED);
}
