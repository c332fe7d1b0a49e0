/* IORING_OP_MSG_RING: a completion, or a registered file, for another ring. */
#include <errno.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"

int uring_prep_msg_ring(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->buf_index || s->personality)
        return -EINVAL;
    return s->rw_flags & ~(__kernel_rwf_t)(IORING_MSG_RING_CQE_SKIP | URING_MSG_RING_FLAGS_PASS)
               ? -EINVAL
               : 0;
}

static long send_data(struct uring_req *r, struct uring *to)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool pass = s->rw_flags & URING_MSG_RING_FLAGS_PASS;
    struct uring_cqe c = {.user_data = s->off, .res = (int)s->len};

    if (s->addr3 || s->rw_flags & ~(__kernel_rwf_t)URING_MSG_RING_FLAGS_PASS)
        return -EINVAL;
    if (s->splice_fd_in && !pass)
        return -EINVAL;
    c.flags = pass ? (uint32_t)s->splice_fd_in : 0;
    return uring_post(to, &c) ? 0 : -EOVERFLOW;
}

static long send_file(struct uring_req *r, struct uring *to)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->len || to == r->ring)
        return -EINVAL;
    struct uring_rsrc *n = rsrc_get(&r->ring->files, (uint32_t)s->addr3);
    if (!n)
        return -EBADF;
    long slot = rsrc_install(to, file_get(n->file), s->file_index);
    rsrc_put(r->ring, n);
    if (slot < 0 || (s->rw_flags & IORING_MSG_RING_CQE_SKIP))
        return slot;
    const struct uring_cqe c = {.user_data = s->off, .res = (int)slot};
    return uring_post(to, &c) ? slot : -EOVERFLOW;
}

long uring_do_msg_ring(struct uring_req *r)
{
    if (!is_uring(r->file))
        return -EBADFD;
    struct uring *to = r->file->priv;
    if (to->disabled)
        return -EBADFD;
    long n;
    switch (r->sqe.addr) {
    case IORING_MSG_DATA:
        n = send_data(r, to);
        break;
    case IORING_MSG_SEND_FD:
        n = send_file(r, to);
        break;
    default:
        return -EINVAL;
    }
    uring_timeouts_check(to);
    return n;
}
