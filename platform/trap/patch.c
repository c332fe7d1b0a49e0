/*
 * Call sites as jumps. A trap costs a signal frame; a jump costs nothing. Two forms:
 *
 *   front   mov $nr,%eax; syscall            the mov becomes the jump, the thunk repeats it
 *   back    syscall; <3 bytes or more>       syscall and what follows become the jump, the thunk
 *                                            repeats what follows
 *
 * A thunk loads the address after the call and its own continuation into rcx and r11, which a
 * system call destroys anyway, and jumps to stub_fast_entry.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "platform/trap/patch.h"

#define BEFORE 64    /* bytes of code that must be there in front of the call */
#define AFTER 32     /* and behind it */
#define FAR 0x10000L /* branches from farther away do not lead into the middle of a function */
#define EFLAGS_TF 0x100

/* --- thunks --- */
struct thunk {
    uint8_t bytes[THUNK_SIZE];
    unsigned int len;
    uint64_t addr;
};

static void put(struct thunk *t, const void *bytes, size_t n)
{
    memcpy(t->bytes + t->len, bytes, n);
    t->len += (unsigned int)n;
}

/* An instruction that ends with a 32-bit distance. */
static void put_rel(struct thunk *t, const char *op, size_t n, uint64_t target)
{
    put(t, op, n);
    int32_t rel = (int32_t)(target - (t->addr + t->len + 4));
    put(t, &rel, 4);
}

static void build_thunk(struct thunk *t, const struct platform_site *s, struct patched *p,
                        const struct code *c)
{
    const uint32_t nr = (uint32_t)s->nr;

    t->addr = s->thunk;
    if (!p->displaced) {
        put(t, "\xb8", 1); /* mov $nr,%eax */
        put(t, &nr, 4);
    }
    put_rel(t, "\x48\x8d\x0d", 3, s->ip); /* lea ip(%rip),%rcx */
    p->cont = (uint8_t)(t->len + 13);
    put_rel(t, "\x4c\x8d\x1d", 3, p->displaced ? t->addr + p->cont : s->ip); /* lea ...,%r11 */
    put_rel(t, "\xff\x25", 2, s->area);                                      /* jmp *area */
    if (p->displaced) {
        put(t, c->bytes + (s->ip - c->addr), p->displaced);
        put_rel(t, "\xe9", 1, s->ip + p->displaced); /* jmp behind it */
    }
}

static bool reachable(uint64_t a, uint64_t b)
{
    uint64_t d = a > b ? a - b : b - a;

    return d < (1UL << 31) - 4096;
}

/* 0 or -ENOEXEC with *why. */
static int choose(const struct platform_site *s, const struct code *c, struct patched *p,
                  const char **why)
{
    const uint8_t *call = c->bytes + (s->ip - 2 - c->addr);
    uint32_t nr;

    memcpy(&nr, call - 4, sizeof(nr));
    *why = "entered by another instruction than syscall";
    if (call[0] != 0x0f || call[1] != 0x05)
        return -ENOEXEC;
    p->start = s->ip - 2 - JUMP_LEN;
    if (call[-5] != 0xb8 || nr != (uint32_t)s->nr || !code_begins_at(c, s->ip - 2, p->start) ||
        code_branch_into(c, p->start)) {
        p->start = s->ip - 2;
        p->displaced = (uint8_t)code_displaced(c, s->ip, why);
        if (!p->displaced)
            return -ENOEXEC;
        *why = "a branch leads to what follows the call";
        if (code_branch_into(c, p->start))
            return -ENOEXEC;
    }
    memcpy(p->original, c->bytes + (p->start - c->addr), JUMP_LEN);
    return 0;
}

static int read_code(struct gthread *thr, const struct platform_site *s, struct code *c,
                     const char **why)
{
    static uint8_t buf[2 * FAR];
    uint64_t start = s->ip - MIN(s->ip, (uint64_t)FAR), end = s->ip + FAR;

    start = MAX(start, s->text_start);
    end = MIN(end, s->text_end);
    *why = "too near to the end of its mapping";
    if (s->ip < start + BEFORE || s->ip + AFTER > end)
        return -ENOEXEC;
    c->addr = start;
    c->len = end - start;
    c->bytes = buf;
    *why = "its code cannot be read";
    return platform->read_mem(thr->as, c->bytes, start, c->len) == (ssize_t)c->len ? 0 : -ENOEXEC;
}

static int refuse(struct platform_site *s, const char *why)
{
    s->why = why;
    return -ENOEXEC;
}

int text_patch(struct gthread *thr, struct platform_site *s)
{
    struct patched p = {.ip = s->ip, .thunk = s->thunk, .prot = s->prot};
    struct thunk t = {.len = 0};
    struct code c = {0};
    const uint64_t entry = trap_fast_entry();

    if (text_has(thr->as, s->ip))
        return -EEXIST;
    if (thr->as->keep_text || frame_flags(thr) & EFLAGS_TF)
        return refuse(s, "the program steps through its code");
    if (!reachable(s->ip, s->area) || !reachable(s->ip, s->thunk))
        return refuse(s, "no place for thunks in reach");
    int err = read_code(thr, s, &c, &s->why);
    if (!err)
        err = choose(s, &c, &p, &s->why);
    if (!err) {
        build_thunk(&t, s, &p, &c);
        err = text_write(thr, s->area, &entry, sizeof(entry));
    }
    if (!err)
        err = text_write(thr, t.addr, t.bytes, t.len);
    if (!err)
        err = text_add(thr, &p, s->stop);
    return err;
}
