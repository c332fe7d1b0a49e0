/*
 * Host calls of a stub, and the few descriptors it keeps for reading. What a stub holds its guest
 * can use by jumping into the stub: the sentry donates only what the guest has opened so.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "platform/trap/trap.h"

static int hostcall(struct gthread *thr, struct platform_hostcall *call, uint32_t with)
{
    struct slot *s = thr->slot;

    s->hc_nr = (uint64_t)call->nr;
    for (int i = 0; i < 6; i++)
        s->hc_args[i] = call->args[i];
    s->hc_fd = with;
    trap_send(thr, CMD_HOSTCALL);
    int err = trap_wait(thr);
    if (err)
        return err;
    call->result = s->result;
    return call->result < 0 && call->result > -4096 ? (int)call->result : 0;
}

int trap_hostcall_with(struct gthread *thr, struct platform_hostcall *call, uint32_t with)
{
    if (with == HC_NO_FD)
        return hostcall(thr, call, with);
    turn_take(&thr->as->fds);
    int err = send_fds(thr->as->ctl_fd, &call->fd, 1);
    if (!err)
        err = hostcall(thr, call, with);
    turn_give(&thr->as->fds);
    return err;
}

static int close_donated(struct gthread *thr, struct donated *d)
{
    struct platform_hostcall call = {.nr = SYS_close, .args = {(unsigned long)d->fd}, .fd = -1};

    *d = (struct donated){0, -1};
    int err = trap_hostcall_with(thr, &call, HC_NO_FD);
    return err == -ESRCH ? err : 0; /* what else it says is its own business */
}

/* Closes and unmaps what was forgotten. */
int donate_cleanup(struct gthread *thr)
{
    struct aspace *as = thr->as;

    for (int i = 0; as->nstale && i < DONATED_MAX; i++) {
        if (as->donated[i].id || as->donated[i].fd < 0)
            continue;
        as->nstale--;
        int err = close_donated(thr, &as->donated[i]);
        if (err)
            return err;
    }
    return share_cleanup(thr);
}

void donate_forget(uint64_t id)
{
    struct aspace *as;

    for (as = aspace_next(NULL); as; as = aspace_next(as)) {
        share_forget(as, id);
        for (int i = 0; i < DONATED_MAX; i++) {
            if (as->donated[i].id == id && id) {
                as->donated[i].id = 0;
                as->nstale++;
            }
        }
    }
}

static struct donated *find(struct aspace *as, uint64_t id)
{
    for (int i = 0; i < DONATED_MAX; i++)
        if (as->donated[i].id == id)
            return &as->donated[i];
    return NULL;
}

/* A place for one more; the oldest goes. */
static int make_place(struct gthread *thr, struct donated **out)
{
    struct aspace *as = thr->as;
    struct donated *d = &as->donated[as->next_donated++ % DONATED_MAX];

    *out = d;
    if (d->fd < 0)
        return 0;
    if (!d->id)
        as->nstale--;
    return close_donated(thr, d);
}

static ssize_t donate_read(struct gthread *thr, const struct platform_transfer *r)
{
    struct platform_hostcall call = {.nr = SYS_pread64,
                                     .args = {0, r->addr, r->len, (unsigned long)r->offset, 0, 0},
                                     .fd = r->fd};
    struct donated *d = find(thr->as, r->id);
    int err;

    if (d) {
        call.args[0] = (unsigned long)d->fd;
        err = trap_hostcall_with(thr, &call, HC_NO_FD);
    } else {
        err = make_place(thr, &d);
        if (err)
            return err;
        err = trap_hostcall_with(thr, &call, HC_FD_KEEP);
        int kept = *(volatile int32_t *)&thr->slot->kept;
        if (err != -ESRCH && kept >= 0 && kept < STUB_FDS_MAX)
            *d = (struct donated){r->id, kept};
    }
    if (err)
        return err;
    return call.result > (long)r->len ? -EIO : call.result;
}

ssize_t donate_transfer(struct gthread *thr, const struct platform_transfer *x)
{
    ssize_t n = x->shared ? share_transfer(thr, x) : -EAGAIN;

    return n == -EAGAIN && !x->write ? donate_read(thr, x) : n;
}
