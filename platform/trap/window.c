/*
 * Buffers of the current call, as the stub has laid them in the slot: where they are, and what of
 * them the stub has to copy back. All of it is under guest control: looked at once, checked, and
 * used from private memory. A wrong place only spoils the guest's own slot.
 */
#include <errno.h>

#include "base/macros.h"
#include "platform/trap/trap.h"

/* Where bytes of buffers may be: the window, or the lines of the buffers themselves. */
static bool place_ok(uint32_t off, uint32_t len)
{
    if (len > SLOT_WINDOW_SIZE)
        return false;
    return off >= SLOT_WINDOW ? off - SLOT_WINDOW <= SLOT_WINDOW_SIZE - len
                              : off <= sizeof(struct slot) && len <= sizeof(struct slot) - off;
}

void window_read_segs(struct gthread *thr, uint32_t nsegs, uint32_t dirs)
{
    thr->nsegs = MIN(nsegs, (uint32_t)SLOT_SEGS);
    thr->has_out = false;
    for (uint32_t i = 0; i < thr->nsegs; i++) {
        const volatile struct slot_seg *from = &thr->slot->segs[i / 2].seg[i % 2];
        uint64_t addr = from->addr;
        uint32_t len = from->len, off = from->off;
        bool ok = place_ok(off, len);
        thr->segs[i] = (struct trap_seg){
            .addr = addr, .len = ok ? len : 0, .off = ok ? off : 0, .dir = dirs >> 2 * i & 3};
    }
}

/* Says what of the buffers the stub has to copy to guest memory. */
void window_put_out(struct gthread *thr)
{
    struct slot *s = thr->slot;
    uint32_t full = 0, zero = 0, part = 0;

    for (unsigned int i = 0; thr->has_out && i < thr->nsegs; i++) {
        const struct trap_seg *g = &thr->segs[i];
        if (!g->out_len)
            continue;
        if (g->out_len == g->len && !g->zero) {
            full |= 1U << i;
            continue;
        }
        if (g->zero)
            zero |= 1U << i;
        if (!part) {
            s->out_first = (uint16_t)i;
            s->out_first_len = g->out_len;
        } else {
            s->out_len[i] = g->out_len;
        }
        part |= 1U << i;
    }
    s->out_full = (uint16_t)full;
    s->out_zero = (uint16_t)zero;
    s->out_part = (uint16_t)part;
    thr->has_out = false;
}

const void *window_in(struct gthread *thr, uint64_t addr, size_t *avail)
{
    for (unsigned int i = 0; i < thr->nsegs; i++) {
        const struct trap_seg *g = &thr->segs[i];
        if ((g->dir & SEG_IN) && addr >= g->addr && addr - g->addr < g->len) {
            *avail = g->len - (addr - g->addr);
            return (char *)thr->slot + g->off + (addr - g->addr);
        }
    }
    return NULL;
}

/* The stub copies a prefix of each buffer: writes must follow each other, or lie in what is known.
 */
static struct trap_seg *out_seg(struct gthread *thr, uint64_t addr, size_t len)
{
    for (unsigned int i = 0; i < thr->nsegs; i++) {
        struct trap_seg *g = &thr->segs[i];
        uint64_t off = addr - g->addr;
        if (!(g->dir & SEG_OUT) || addr < g->addr || off > g->len || len > g->len - off)
            continue;
        if (off <= g->out_len || (g->dir & SEG_IN))
            return g;
    }
    return NULL;
}

void *window_out(struct gthread *thr, uint64_t addr, size_t len)
{
    struct trap_seg *g = out_seg(thr, addr, len);

    return g && !g->zero ? (char *)thr->slot + g->off + (addr - g->addr) : NULL;
}

void window_commit(struct gthread *thr, uint64_t addr, size_t len)
{
    struct trap_seg *g = out_seg(thr, addr, len);

    if (g) {
        g->out_len = MAX(g->out_len, (uint32_t)(addr - g->addr + len));
        thr->has_out = true;
    }
}

const void *window_written(struct gthread *thr, uint64_t addr, size_t len)
{
    for (unsigned int i = 0; i < thr->nsegs; i++) {
        const struct trap_seg *g = &thr->segs[i];
        uint64_t off = addr - g->addr;
        if ((g->dir & SEG_OUT) && !g->zero && addr >= g->addr && off <= g->out_len &&
            len <= g->out_len - off)
            return (char *)thr->slot + g->off + off;
    }
    return NULL;
}

bool window_zero(struct gthread *thr, uint64_t addr, size_t len)
{
    struct trap_seg *g = out_seg(thr, addr, len);

    if (!g || (g->dir & SEG_IN) || (g->out_len && !g->zero))
        return false;
    g->zero = true;
    g->out_len = MAX(g->out_len, (uint32_t)(addr - g->addr + len));
    thr->has_out = true;
    return true;
}

int window_flush(struct gthread *thr)
{
    static const char zeros[SLOT_WINDOW_SIZE];
    int err = 0;

    for (unsigned int i = 0; thr->has_out && i < thr->nsegs; i++) {
        struct trap_seg *g = &thr->segs[i];
        const void *from = g->zero ? zeros : (const char *)thr->slot + g->off;
        if (g->out_len &&
            platform_trap.write_mem(thr->as, g->addr, from, g->out_len) != (ssize_t)g->out_len)
            err = -EFAULT;
        g->out_len = 0;
        g->zero = false;
    }
    thr->has_out = false;
    return err;
}
