/*
 * Copies of syscall buffers between guest memory and the slot's window, driven by the argument
 * kinds of sentry/syscalls.def. Only an optimisation with regard to correctness: whatever is not in
 * the window the sentry reads and writes itself.
 */
#include "platform/trap/stub/stub.h"
#include "sentry/argkinds.h"

#define NR_ROWS 470
#define STR_MAX 4096
#define IOV_MARSHAL_MAX 8
#define SOCKADDR_MAX 128

static const uint32_t kinds[NR_ROWS][6] = {
#define SYS(nr, name, handler, flags, ...) [nr] = {__VA_ARGS__},
#include "sentry/syscalls.def"
#undef SYS
};

static const uint16_t type_size[] = {0,
#define TYPE(name, bytes) bytes,
                                     ARG_TYPES(TYPE)
#undef TYPE
};

struct cursor {
    struct slot *s;
    uint32_t off; /* first free byte of the window */
    uint32_t nsegs;
};

static struct slot_seg *seg_new(struct cursor *c, uint64_t addr, uint64_t len, uint32_t dir)
{
    if (!addr || !len || len > SLOT_WINDOW_SIZE - c->off || c->nsegs == SLOT_SEGS ||
        addr >= STUB_TEXT)
        return 0;
    struct slot_seg *g = &c->s->segs[c->nsegs++];
    g->addr = addr;
    g->len = (uint32_t)len;
    g->off = c->off;
    g->dir = dir;
    c->off = (c->off + (uint32_t)len + 7) & ~7U;
    return g;
}

static struct slot_seg *seg_in(struct cursor *c, uint64_t addr, uint64_t len, uint32_t dir)
{
    struct slot_seg *g = seg_new(c, addr, len, dir);

    if (g)
        g->len -= (uint32_t)stub_copy(slot_window(c->s) + g->off, (const void *)addr, len);
    return g;
}

static void seg_str(struct cursor *c, uint64_t addr)
{
    uint64_t room = SLOT_WINDOW_SIZE - c->off;

    if (room > STR_MAX)
        room = STR_MAX;
    struct slot_seg *g = seg_new(c, addr, room, SEG_IN);
    if (!g)
        return;
    int64_t n = stub_strcopy(slot_window(c->s) + g->off, (const char *)addr, room);
    g->len = (uint32_t)(n < 0 ? -n : n);
    c->off = (g->off + g->len + 7) & ~7U;
}

static void seg_iov(struct cursor *c, uint64_t addr, uint64_t count, uint32_t dir)
{
    if (count > IOV_MARSHAL_MAX)
        return;
    struct slot_seg *g = seg_in(c, addr, count * 16, SEG_IN);
    if (!g || g->len < count * 16)
        return;
    for (uint64_t i = 0; i < count; i++) {
        const volatile uint64_t *v =
            (const volatile uint64_t *)(slot_window(c->s) + g->off + i * 16);
        uint64_t base = v[0], len = v[1];
        if (dir == SEG_IN)
            seg_in(c, base, len, SEG_IN);
        else
            seg_new(c, base, len, SEG_OUT);
    }
}

static void marshal_arg(struct cursor *c, uint32_t kind, const uint64_t *args, uint64_t addr)
{
    uint32_t p1 = argkind_p1(kind);
    uint64_t len = p1 < 6 ? args[p1] : 0, n;

    switch (argkind_kind(kind)) {
    case AK_IN_STR:
        seg_str(c, addr);
        break;
    case AK_IN_BUF:
        seg_in(c, addr, len, SEG_IN);
        break;
    case AK_OUT_BUF:
        seg_new(c, addr, len, SEG_OUT);
        break;
    case AK_IN_ARRAY:
    case AK_INOUT_ARRAY:
    case AK_OUT_ARRAY:
        n = (uint32_t)len;
        if (n > SLOT_WINDOW_SIZE)
            break;
        n *= argkind_p2(kind);
        if (argkind_kind(kind) == AK_OUT_ARRAY)
            seg_new(c, addr, n, SEG_OUT);
        else
            seg_in(c, addr, n, argkind_kind(kind) == AK_IN_ARRAY ? SEG_IN : SEG_IN | SEG_OUT);
        break;
    case AK_IN:
        seg_in(c, addr, type_size[p1], SEG_IN);
        break;
    case AK_INOUT:
        seg_in(c, addr, type_size[p1], SEG_IN | SEG_OUT);
        break;
    case AK_OUT:
        seg_new(c, addr, type_size[p1], SEG_OUT);
        break;
    case AK_IN_IOV:
        seg_iov(c, addr, len, SEG_IN);
        break;
    case AK_OUT_IOV:
        seg_iov(c, addr, len, SEG_OUT);
        break;
    case AK_IN_SOCKADDR:
        if ((uint32_t)len <= SOCKADDR_MAX)
            seg_in(c, addr, (uint32_t)len, SEG_IN);
        break;
    default:
        break;
    }
}

void marshal_in(struct slot *s)
{
    struct cursor c = {.s = s, .off = 0, .nsegs = 0};
    uint64_t nr = s->nr, args[6];

    if (nr < NR_ROWS) {
        for (int i = 0; i < 6; i++)
            args[i] = s->args[i];
        for (int i = 0; i < 6; i++)
            if (kinds[nr][i] && args[i])
                marshal_arg(&c, kinds[nr][i], args, args[i]);
    }
    s->nsegs = c.nsegs;
}

long marshal_out(struct slot *s)
{
    long err = 0;

    for (uint32_t i = 0; i < s->nsegs && i < SLOT_SEGS; i++) {
        struct slot_seg *g = &s->segs[i];
        uint32_t len = s->out_len[i], off = g->off;
        if (!len || len > SLOT_WINDOW_SIZE || off > SLOT_WINDOW_SIZE - len)
            continue;
        if (stub_copy((void *)g->addr, slot_window(s) + off, len))
            err = -14; /* EFAULT: unmapped by another thread since the sentry looked */
    }
    return err;
}
