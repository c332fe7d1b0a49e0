/*
 * Many host calls in one handoff: they lie in the slot's window, and the descriptors they need come
 * in one message and are closed after the last of them.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "platform/trap/trap.h"

struct batch {
    unsigned int n, nfds;
    int fds[BATCH_FDS];
};

/* Which descriptor of the batch it is, from 1; 0: there is no more room. */
static unsigned int batch_fd(struct batch *b, int fd)
{
    for (unsigned int i = 0; i < b->nfds; i++)
        if (b->fds[i] == fd)
            return i + 1;
    if (b->nfds == BATCH_FDS)
        return 0;
    b->fds[b->nfds++] = fd;
    return b->nfds;
}

/* As many as fit. */
static void batch_fill(struct gthread *thr, struct batch *b, const struct platform_hostcall *calls,
                       unsigned int n)
{
    struct slot_call *c = (struct slot_call *)((char *)thr->slot + SLOT_WINDOW);

    *b = (struct batch){.n = 0};
    for (; b->n < n && b->n < BATCH_MAX; b->n++) {
        const struct platform_hostcall *call = &calls[b->n];
        unsigned int with = call->fd >= 0 ? batch_fd(b, call->fd) : 0;
        if (call->fd >= 0 && !with)
            break;
        c[b->n].nr = (uint64_t)with << 32 | (uint32_t)call->nr;
        for (int i = 0; i < 6; i++)
            c[b->n].args[i] = call->args[i];
    }
}

static int batch_command(struct gthread *thr, const struct batch *b,
                         struct platform_hostcall *calls)
{
    struct slot *s = thr->slot;
    const volatile struct slot_call *c = (struct slot_call *)((char *)s + SLOT_WINDOW);

    s->hc_nr = b->n;
    s->hc_fd = b->nfds;
    trap_send(thr, CMD_BATCH);
    int err = trap_wait(thr);
    if (err || *(volatile int64_t *)&s->result)
        return err ? err : -EPROTO;
    for (unsigned int i = 0; i < b->n; i++)
        calls[i].result = c[i].result;
    return 0;
}

static int batch_run(struct gthread *thr, const struct batch *b, struct platform_hostcall *calls)
{
    if (!b->nfds)
        return batch_command(thr, b, calls);
    turn_take(&thr->as->fds);
    int err = send_fds(thr->as->ctl_fd, b->fds, (int)b->nfds);
    if (!err)
        err = batch_command(thr, b, calls);
    turn_give(&thr->as->fds);
    return err;
}

int trap_hostcalls(struct gthread *thr, struct platform_hostcall *calls, unsigned int n)
{
    struct batch b;
    int err = donate_cleanup(thr);

    /* The window holds the buffers of the call at hand. */
    for (unsigned int i = 0; !err && thr->in_syscall && thr->nsegs && i < n; i++) {
        int r = trap_hostcall_with(thr, &calls[i], calls[i].fd >= 0 ? HC_FD_ONCE : HC_NO_FD);
        err = r == -ESRCH ? r : 0;
        if (r && !err)
            calls[i].result = r;
    }
    if (thr->in_syscall && thr->nsegs)
        return err;
    while (!err && n) {
        batch_fill(thr, &b, calls, n);
        err = batch_run(thr, &b, calls);
        calls += b.n;
        n -= b.n;
    }
    return err;
}
