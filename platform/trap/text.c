/*
 * Patched code: which sites are jumps, what thunk addresses mean, and changes while nobody looks.
 *
 * Nobody may be in the bytes that change: code is only changed while every other thread of the
 * address space is parked with the sentry or sleeps in a futex call of the stub, which looks at
 * text_locked before it leaves. Whoever is to resume inside a back site is redirected into the
 * thunk; addresses of thunks are never shown, they are translated back to the site. Thunks are
 * never changed or used again, because somebody may be on the way back through one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "platform/trap/patch.h"

#define SITES_MAX 8192

struct text {
    unsigned int refs;
    int n, cap, nlive;
    struct patched *site; /* by start; of equal ones the newest last */
    uint64_t low, high;   /* all thunks lie in [low, high) */
};

/* --- the table --- */
struct text *text_get(struct text *t)
{
    if (t)
        t->refs++;
    return t;
}

void text_put(struct text *t)
{
    if (!t || --t->refs)
        return;
    free(t->site);
    free(t);
}

/* A table of our own with room for one more. */
static struct text *text_own(struct aspace *as)
{
    struct text *t = as->text;
    int n = t ? t->n : 0;

    if (!t || t->refs > 1 || n == t->cap) {
        struct text *own = calloc(1, sizeof(*own));
        int cap = MAX(64, n * 2);
        struct patched *site = own ? calloc((size_t)cap, sizeof(*site)) : NULL;
        if (!site) {
            free(own);
            return NULL;
        }
        if (n)
            memcpy(site, t->site, (size_t)n * sizeof(*site));
        *own = (struct text){.refs = 1, .cap = cap, .site = site, .low = UINT64_MAX};
        if (n) {
            own->n = n;
            own->nlive = t->nlive;
            own->low = t->low;
            own->high = t->high;
        }
        text_put(t);
        as->text = t = own;
    }
    return t;
}

/* The first site that starts behind addr. */
static int site_after(const struct text *t, uint64_t addr)
{
    int lo = 0, hi = t->n;

    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (t->site[mid].start <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool has_hole_at(const struct patched *p, uint64_t ip)
{
    return ip > p->start && ip < p->start + JUMP_LEN;
}

uint64_t text_redirect(const struct aspace *as, uint64_t ip)
{
    const struct text *t = as->text;

    for (int i = site_after(t, ip) - 1; i >= 0 && t->site[i].start + JUMP_LEN > ip; i--) {
        const struct patched *p = &t->site[i];
        if (!p->removed && p->displaced && has_hole_at(p, ip))
            return p->thunk + p->cont + (ip - p->ip);
    }
    return ip;
}

static const struct patched *site_of_thunk(const struct text *t, uint64_t thunk)
{
    for (int i = 0; i < t->n; i++)
        if (t->site[i].thunk == thunk)
            return &t->site[i];
    return NULL;
}

uint64_t text_canonical(const struct aspace *as, uint64_t ip)
{
    const struct text *t = as->text;
    uint64_t thunk = ip & ~(THUNK_SIZE - 1UL), off = ip - thunk;

    if (ip < t->low || ip >= t->high)
        return ip;
    const struct patched *p = site_of_thunk(t, thunk);
    if (!p)
        return ip;
    if (!p->displaced || off < p->cont)
        return p->start;
    return p->ip + MIN(off - p->cont, (uint64_t)p->displaced);
}

bool text_is_entry(const struct aspace *as, uint64_t ip)
{
    const struct text *t = as->text;

    return ip >= t->low && ip < t->high && site_of_thunk(t, ip);
}

bool text_has(const struct aspace *as, uint64_t ip)
{
    const struct text *t = as->text;

    for (int i = t ? site_after(t, ip) - 1 : -1; i >= 0 && t->site[i].start + JUMP_LEN + 2 >= ip;
         i--)
        if (t->site[i].ip == ip && !t->site[i].removed)
            return true;
    return false;
}

void text_forget(struct aspace *as, uint64_t start, uint64_t end)
{
    struct text *t = as->text;
    int from = t ? site_after(t, start > JUMP_LEN ? start - JUMP_LEN : 0) : 0;
    int to = t ? site_after(t, end) : 0;

    if (from >= to)
        return;
    t = text_own(as);
    if (!t)
        return;
    for (int i = from; i < to; i++)
        t->nlive -= !t->site[i].removed;
    memmove(t->site + from, t->site + to, (size_t)(t->n - to) * sizeof(*t->site));
    t->n -= to - from;
}

void text_hide(const struct aspace *as, uint64_t addr, void *bytes, size_t n)
{
    const struct text *t = as->text;
    uint8_t *to = bytes;

    if (!t)
        return;
    for (int i = site_after(t, addr > JUMP_LEN ? addr - JUMP_LEN : 0);
         i < t->n && t->site[i].start < addr + n; i++)
        for (unsigned int k = 0; k < JUMP_LEN && !t->site[i].removed; k++)
            if (t->site[i].start + k - addr < n)
                to[t->site[i].start + k - addr] = t->site[i].original[k];
}

/* --- changing code --- */
struct text_turn {
    struct list node;
    void *fiber;
};

void text_wait(struct gthread *thr)
{
    struct text_turn turn = {.fiber = trap_host->current()};

    while (thr->as->text_busy && !thr->as->dead) {
        list_add_tail(&thr->as->text_waiters, &turn.node);
        trap_host->park();
        list_del(&turn.node);
    }
}

static void unlock_text(struct aspace *as)
{
    struct gthread *t;
    struct text_turn *turn;

    list_for_each(t, &as->threads, node)
        __atomic_store_n(&t->slot->text_locked, 0, __ATOMIC_SEQ_CST);
    as->text_busy = false;
    list_for_each(turn, &as->text_waiters, node)
        trap_host->wake(turn->fiber);
}

/*
 * With stop, threads that run guest code are interrupted: their fibers find the text busy when they
 * want to go on. Someone who sleeps in a futex call waits for text_locked by itself.
 */
static bool others_stand(struct gthread *thr, bool stop)
{
    struct gthread *t;
    bool all = true;

    list_for_each(t, &thr->as->threads, node) {
        if (t == thr || !t->running || __atomic_load_n(&t->slot->in_futex, __ATOMIC_SEQ_CST))
            continue;
        all = false;
        if (stop && t->stopped_seq != t->seq + 1) {
            t->stopped_seq = t->seq + 1; /* once for each time it runs */
            platform->interrupt(t);
        }
    }
    return all;
}

static int lock_text(struct gthread *thr, bool stop)
{
    struct aspace *as = thr->as;
    struct gthread *t;
    int err = 0;

    if (as->text_busy)
        return -EAGAIN;
    as->text_busy = true;
    list_for_each(t, &as->threads, node)
        __atomic_store_n(&t->slot->text_locked, t != thr, __ATOMIC_SEQ_CST);
    while (!err && !others_stand(thr, stop)) {
        if (!stop || as->dead) {
            err = as->dead ? -ESRCH : -EAGAIN;
            break;
        }
        as->text_stopper = trap_host->current();
        trap_host->park();
        as->text_stopper = NULL;
    }
    if (err)
        unlock_text(as);
    return err;
}

static int protect(struct gthread *thr, uint64_t start, uint64_t end, int prot)
{
    struct platform_hostcall call = {.nr = SYS_mprotect, .fd = -1};

    call.args[0] = PAGE_DOWN(start);
    call.args[1] = PAGE_UP(end) - PAGE_DOWN(start);
    call.args[2] = (unsigned long)prot;
    int err = platform->hostcall(thr, &call);
    return err ? err : (int)call.result;
}

int text_write(struct gthread *thr, uint64_t at, const void *bytes, size_t n)
{
    return platform->write_mem(thr->as, at, bytes, n) == (ssize_t)n ? 0 : -EFAULT;
}

static int write_site(struct gthread *thr, const struct patched *p, const uint8_t *bytes)
{
    int err = protect(thr, p->start, p->start + JUMP_LEN, p->prot | PROT_WRITE);

    if (err)
        return err;
    err = text_write(thr, p->start, bytes, JUMP_LEN);
    int back = protect(thr, p->start, p->start + JUMP_LEN, p->prot);
    return err ? err : back;
}

int text_add(struct gthread *thr, const struct patched *p, bool stop)
{
    uint8_t jump[JUMP_LEN] = {0xe9};
    int32_t rel = (int32_t)(p->thunk - (p->start + JUMP_LEN));

    memcpy(jump + 1, &rel, sizeof(rel));
    int err = lock_text(thr, stop);
    if (err)
        return err;
    struct text *t = text_own(thr->as);
    err = t && t->n < SITES_MAX ? write_site(thr, p, jump) : -ENOMEM;
    t = text_own(thr->as); /* a fork may share it since, but nobody else changes it */
    if (!err && t) {
        int i = site_after(t, p->start);
        memmove(t->site + i + 1, t->site + i, (size_t)(t->n - i) * sizeof(*p));
        t->site[i] = *p;
        t->n++;
        t->nlive++;
        t->low = MIN(t->low, p->thunk);
        t->high = MAX(t->high, p->thunk + THUNK_SIZE);
    }
    unlock_text(thr->as);
    return t ? err : -ENOMEM;
}

static int next_live(const struct text *t, uint64_t start, uint64_t end)
{
    for (int i = site_after(t, start > JUMP_LEN ? start - JUMP_LEN : 0);
         i < t->n && t->site[i].start < end; i++)
        if (!t->site[i].removed)
            return i;
    return -1;
}

int text_restore(struct gthread *thr, uint64_t start, uint64_t end)
{
    struct aspace *as = thr->as;
    int i, err;

    if (!as->text || !as->text->nlive || next_live(as->text, start, end) < 0)
        return 0;
    do {
        text_wait(thr);
        err = lock_text(thr, true);
    } while (err == -EAGAIN);
    if (err)
        return err;
    while (!err && (i = next_live(as->text, start, end)) >= 0) {
        struct text *t = text_own(as);
        if (!t) {
            err = -ENOMEM;
            break;
        }
        const struct patched p = t->site[i];
        t->site[i].removed = true;
        t->nlive--;
        err = write_site(thr, &p, p.original);
    }
    unlock_text(as);
    return err;
}

int text_never(struct gthread *thr)
{
    thr->as->keep_text = true;
    return text_restore(thr, 0, UINT64_MAX);
}

/*
 * When the others stand, none is on its way to wake somebody by itself. Those who wait are woken
 * and make their calls again, which then come to the sentry.
 */
int text_claim_futex(struct gthread *thr)
{
    struct aspace *as = thr->as;
    struct gthread *t;
    int err;

    if (as->ask_futex)
        return 0;
    do {
        text_wait(thr);
        err = lock_text(thr, true);
    } while (err == -EAGAIN);
    if (err)
        return err;
    as->ask_futex = true;
    list_for_each(t, &as->threads, node) {
        __atomic_store_n(&t->slot->ask_futex, 1, __ATOMIC_SEQ_CST);
        if (t != thr)
            platform->interrupt(t);
    }
    unlock_text(as);
    return 0;
}
