/*
 * Parts of files that are mapped in the stub, so that large transfers are one copy by the guest's
 * own thread: no descriptor, no other process's memory. Only of files that the guest has open in a
 * way that lets it map them itself. A transfer that meets the file's end, or memory that is not
 * there, ends early: the sentry then does the rest in its own way.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "platform/trap/trap.h"

#define AFTER 2 /* transfers in the same place make it worth a mapping */
#define WARM_MAX 16

static uint64_t share_addr(const struct aspace *as, const struct share *s)
{
    return STUB_SHARES + (uint64_t)(s - as->shares) * SHARE_SPAN;
}

static int unmap(struct gthread *thr, struct share *s)
{
    struct platform_hostcall call = {
        .nr = SYS_munmap, .args = {share_addr(thr->as, s), SHARE_SPAN}, .fd = -1};

    s->busy++;
    s->mapped = false;
    int err = trap_hostcall_with(thr, &call, HC_NO_FD);
    s->busy--;
    return err == -ESRCH ? err : 0;
}

int share_cleanup(struct gthread *thr)
{
    struct aspace *as = thr->as;
    int err = 0;

    for (int i = 0; !err && as->stale_shares && i < SHARES; i++) {
        if (as->shares[i].id || !as->shares[i].mapped || as->shares[i].busy)
            continue;
        as->stale_shares--;
        err = unmap(thr, &as->shares[i]);
    }
    return err;
}

void share_forget(struct aspace *as, uint64_t id)
{
    for (int i = 0; i < SHARES; i++) {
        if (as->shares[i].id != id)
            continue;
        as->shares[i].id = 0;
        as->stale_shares += as->shares[i].mapped;
    }
}

static struct share *find(struct aspace *as, uint64_t id, off_t start)
{
    for (int i = 0; i < SHARES; i++)
        if (as->shares[i].id == id && as->shares[i].start == start)
            return &as->shares[i];
    return NULL;
}

/* For one that comes the first time; those that are used stay longer. */
static int take_place(struct gthread *thr, uint64_t id, off_t start)
{
    struct aspace *as = thr->as;
    struct share *s = &as->shares[as->next_share++ % SHARES];

    if (s->busy)
        return 0;
    if (s->id && s->warm) {
        s->warm--;
        return 0;
    }
    if (!s->id && s->mapped)
        as->stale_shares--;
    s->id = id;
    s->start = start;
    return s->mapped ? unmap(thr, s) : 0;
}

static int map(struct gthread *thr, struct share *s, int fd)
{
    struct platform_hostcall call = {
        .nr = SYS_mmap,
        .args = {share_addr(thr->as, s), SHARE_SPAN, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED | MAP_POPULATE, 0, (unsigned long)s->start},
        .fd = fd};

    s->mapped = true;
    return trap_hostcall_with(thr, &call, HC_FD_ONCE);
}

static ssize_t copy(struct gthread *thr, uint64_t to, uint64_t from, size_t len)
{
    struct slot *slot = thr->slot;

    slot->hc_args[0] = to;
    slot->hc_args[1] = from;
    slot->hc_args[2] = len;
    trap_send(thr, CMD_COPY);
    int err = trap_wait(thr);
    uint64_t n = (uint64_t) * (volatile int64_t *)&slot->result;
    return err ? err : n > len ? -EIO : n ? (ssize_t)n : -EAGAIN;
}

ssize_t share_transfer(struct gthread *thr, const struct platform_transfer *x)
{
    off_t start = x->offset & ~(off_t)(SHARE_UNIT - 1);
    struct share *s = find(thr->as, x->id, start);

    if (!s) {
        int err = take_place(thr, x->id, start);
        return err ? err : -EAGAIN;
    }
    s->warm += s->warm < WARM_MAX;
    if (s->warm < AFTER)
        return -EAGAIN;
    s->busy++;
    ssize_t n = s->mapped ? 0 : map(thr, s, x->fd);
    if (!n) {
        uint64_t at = share_addr(thr->as, s) + (uint64_t)(x->offset - start);
        size_t len = MIN(x->len, SHARE_UNIT);
        n = x->write ? copy(thr, at, x->addr, len) : copy(thr, x->addr, at, len);
    }
    s->busy--;
    return n;
}
