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
#define SEG_MAX                                                                                    \
    16384 /* above, one copy between processes is cheaper than two through the window              \
           */

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
    uint32_t off; /* first free byte of the window, as an offset in the slot */
    uint32_t nsegs, dirs;
    uint32_t line_used; /* bytes used of the current line's data */
    int out_used;       /* the place for a short answer is taken */
};

#define WINDOW_END (SLOT_WINDOW + SLOT_WINDOW_SIZE)

static struct slot_seg *seg_at(struct slot *s, uint32_t i)
{
    return &s->segs[i / 2].seg[i % 2];
}

/* Short buffers travel in lines that are on their way anyway. */
static uint32_t seg_place(struct cursor *c, uint64_t len, uint32_t dir)
{
    uint32_t i = c->nsegs, off = c->off;

    if (!(i % 2))
        c->line_used = 0;
    if (dir == SEG_OUT && len <= SEG_INLINE && !c->out_used) {
        c->out_used = 1;
        return __builtin_offsetof(struct slot, out_data);
    }
    if ((dir & SEG_IN) && len <= SEG_INLINE - c->line_used) {
        off = (uint32_t) __builtin_offsetof(struct slot, segs) +
              i / 2 * (uint32_t)sizeof(struct slot_seg_line) +
              (uint32_t) __builtin_offsetof(struct slot_seg_line, data) + c->line_used;
        c->line_used += ((uint32_t)len + 7) & ~7U;
        return off;
    }
    c->off = (c->off + (uint32_t)len + 7) & ~7U;
    return off;
}

static struct slot_seg *seg_new(struct cursor *c, uint64_t addr, uint64_t len, uint32_t dir)
{
    if (dir == SEG_OUT && len > SEG_MAX)
        len = SEG_MAX; /* most answers are shorter than the room for them */
    if (!addr || !len || len > SEG_MAX || c->nsegs == SLOT_SEGS || addr >= STUB_TEXT ||
        c->off > WINDOW_END || len > WINDOW_END - c->off)
        return 0;
    struct slot_seg *g = seg_at(c->s, c->nsegs);
    g->addr = addr;
    g->len = (uint32_t)len;
    g->off = seg_place(c, len, dir);
    c->dirs |= dir << 2 * c->nsegs++;
    return g;
}

static struct slot_seg *seg_in(struct cursor *c, uint64_t addr, uint64_t len, uint32_t dir)
{
    struct slot_seg *g = seg_new(c, addr, len, dir);

    if (g)
        g->len -= (uint32_t)stub_copy((char *)c->s + g->off, (const void *)addr, len);
    return g;
}

static void seg_str(struct cursor *c, uint64_t addr)
{
    uint64_t room = c->off < WINDOW_END ? WINDOW_END - c->off : 0;

    if (room > STR_MAX)
        room = STR_MAX;
    struct slot_seg *g = seg_new(c, addr, room, SEG_IN);
    if (!g)
        return;
    int64_t n = stub_strcopy((char *)c->s + g->off, (const char *)addr, room);
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
        const volatile uint64_t *v = (const volatile uint64_t *)((char *)c->s + g->off + i * 16);
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

uint32_t marshal_in(struct slot *s, uint64_t nr, const uint64_t args[6], uint32_t *dirs)
{
    struct cursor c = {.s = s, .off = SLOT_WINDOW};

    for (int i = 0; nr < NR_ROWS && i < 6; i++)
        if (kinds[nr][i] && args[i])
            marshal_arg(&c, kinds[nr][i], args, args[i]);
    *dirs = c.dirs;
    return c.nsegs;
}

#define SIGCONTEXT_SIZE 304 /* the kernel's struct ucontext */

uint32_t marshal_frame(struct slot *s, uint64_t sp, uint32_t *dirs)
{
    struct cursor c = {.s = s, .off = SLOT_WINDOW};

    seg_in(&c, sp, SIGCONTEXT_SIZE, SEG_IN);
    *dirs = c.dirs;
    return c.nsegs;
}

long marshal_out(struct slot *s)
{
    uint32_t full = s->out_full, zero = s->out_zero, part = s->out_part;
    uint32_t first = s->out_first;
    long err = 0;

    for (uint32_t i = 0; i < s->nsegs && i < SLOT_SEGS; i++) {
        if (!((full | zero | part) >> i & 1))
            continue;
        struct slot_seg *g = seg_at(s, i);
        uint32_t len = full >> i & 1 ? g->len : i == first ? s->out_first_len : s->out_len[i];
        uint32_t off = g->off;
        uint64_t left;
        if (!len || len > SLOT_WINDOW_SIZE || off > SLOT_SIZE - len)
            continue;
        if (zero >> i & 1)
            left = stub_zero((void *)g->addr, len);
        else
            left = stub_copy((void *)g->addr, (char *)s + off, len);
        if (left)
            err = -14; /* EFAULT: unmapped by another thread since the sentry looked */
    }
    return err;
}
