/*
 * Call sites as jumps. A trap costs a signal frame; a jump costs nothing. Two forms:
 *
 *   front   mov $nr,%eax; syscall            the mov becomes the jump, the thunk repeats it
 *   back    syscall; <3 bytes or more>       syscall and what follows become the jump, the thunk
 *                                            repeats what follows
 *
 * A thunk loads the address after the call and its own continuation into rcx and r11, which a
 * system call destroys anyway, and jumps to stub_fast_entry.
 *
 * Nobody may be in the bytes that change: code is only changed while every other thread of the
 * address space is parked with the sentry or sleeps in a futex call of the stub, which looks at
 * text_locked before it leaves. Whoever is to resume inside a back site is redirected into the
 * thunk; addresses of thunks are never shown, they are translated back to the site.
 */
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "platform/trap/trap.h"

#define SITES_MAX 8192
#define JUMP_LEN 5
#define BEFORE 64    /* bytes of code looked at in front of the call */
#define AFTER 32     /* and behind it */
#define NEAR 160     /* short branches reach no farther, with their own length */
#define FAR 0x10000L /* branches from farther away do not lead into the middle of a function */
#define SYNC_MIN 16  /* a linear decoding that begins so far in front has found the instructions */

struct patched {
    uint64_t start; /* the jump */
    uint64_t ip;    /* after the syscall instruction */
    uint64_t thunk;
    uint8_t cont, displaced; /* back: offset in the thunk of what follows, its length; front: 0 */
};

struct text {
    unsigned int refs;
    int n, cap;
    struct patched *site; /* by start */
    uint64_t low, high;   /* all thunks lie in [low, high) */
};

/* Loaded by hand, into the sentry alone: its tables are a megabyte of relocations. */
#define CAPSTONE "libcapstone.so.4"
static struct {
    bool loaded;
    __typeof__(cs_open) *cs_open;
    __typeof__(cs_option) *cs_option;
    __typeof__(cs_malloc) *cs_malloc;
    __typeof__(cs_free) *cs_free;
    __typeof__(cs_disasm_iter) *cs_disasm_iter;
    __typeof__(cs_insn_group) *cs_insn_group;
} capstone;
static const struct {
    const char *name;
    void **to;
} functions[] = {
    {"cs_open", (void **)&capstone.cs_open},
    {"cs_option", (void **)&capstone.cs_option},
    {"cs_malloc", (void **)&capstone.cs_malloc},
    {"cs_free", (void **)&capstone.cs_free},
    {"cs_disasm_iter", (void **)&capstone.cs_disasm_iter},
    {"cs_insn_group", (void **)&capstone.cs_insn_group},
};
static csh disassembler;

/* Relocation has gone through all of it: gives back the pages that are the file's. */
static int drop_file_pages(struct dl_phdr_info *info, size_t size, void *arg)
{
    if (!strstr(info->dlpi_name, CAPSTONE))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const Elf64_Phdr *ph = &info->dlpi_phdr[i];
        uint64_t start = PAGE_UP(info->dlpi_addr + ph->p_vaddr);
        uint64_t end = PAGE_DOWN(info->dlpi_addr + ph->p_vaddr + ph->p_memsz);
        if (ph->p_type == PT_LOAD && !(ph->p_flags & PF_W) && start < end)
            madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1;
}

void text_load(void)
{
    void *lib = dlopen(CAPSTONE, RTLD_LAZY | RTLD_LOCAL);
    bool all = lib != NULL;

    for (size_t i = 0; lib && i < ARRAY_SIZE(functions); i++)
        all &= (*functions[i].to = dlsym(lib, functions[i].name)) != NULL;
    capstone.loaded = all;
    dl_iterate_phdr(drop_file_pages, NULL);
    if (!capstone.loaded)
        log_warn("no " CAPSTONE ": call sites stay as they are, each call is a trap");
}

static bool disassembler_ready(void)
{
    if (disassembler || !capstone.loaded)
        return disassembler;
    capstone.loaded = !capstone.cs_open(CS_ARCH_X86, CS_MODE_64, &disassembler) &&
                      !capstone.cs_option(disassembler, CS_OPT_DETAIL, CS_OPT_ON);
    return capstone.loaded;
}

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

    if (n >= SITES_MAX)
        return NULL;
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

uint64_t text_redirect(const struct aspace *as, uint64_t ip)
{
    const struct text *t = as->text;
    int i = site_after(t, ip) - 1;

    if (i < 0)
        return ip;
    const struct patched *p = &t->site[i];
    if (ip == p->start || ip >= p->start + JUMP_LEN || !p->displaced)
        return ip;
    return p->thunk + p->cont + (ip - p->ip);
}

uint64_t text_canonical(const struct aspace *as, uint64_t ip)
{
    const struct text *t = as->text;
    uint64_t thunk = ip & ~(THUNK_SIZE - 1UL), off = ip - thunk;

    if (ip < t->low || ip >= t->high)
        return ip;
    for (int i = 0; i < t->n; i++) {
        const struct patched *p = &t->site[i];
        if (p->thunk != thunk)
            continue;
        if (!p->displaced || off < p->cont)
            return p->start;
        return p->ip + MIN(off - p->cont, (uint64_t)p->displaced);
    }
    return ip;
}

void text_forget(struct aspace *as, uint64_t start, uint64_t end)
{
    struct text *t = as->text;
    int from = site_after(t, start > JUMP_LEN ? start - JUMP_LEN : 0), to = site_after(t, end);

    if (from >= to)
        return;
    t = text_own(as);
    if (!t)
        return;
    memmove(t->site + from, t->site + to, (size_t)(t->n - to) * sizeof(*t->site));
    t->n -= to - from;
}

/* --- reading code --- */
struct code {
    uint64_t addr; /* of bytes[0] */
    size_t len;
    uint8_t *bytes;
};

static bool relocatable(const cs_insn *in)
{
    static const uint8_t bad[] = {
        CS_GRP_JUMP,      CS_GRP_CALL,           CS_GRP_RET, CS_GRP_INT, CS_GRP_IRET,
        CS_GRP_PRIVILEGE, CS_GRP_BRANCH_RELATIVE};
    const cs_x86 *x = &in->detail->x86;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (capstone.cs_insn_group(disassembler, in, bad[i]))
            return false;
    for (int i = 0; i < x->op_count; i++)
        if (x->operands[i].type == X86_OP_MEM && x->operands[i].mem.base == X86_REG_RIP)
            return false;
    return in->id != X86_INS_SYSCALL && in->id != X86_INS_HLT;
}

/* How many bytes of whole instructions after ip have to move. 0: they cannot. */
static int displaced_bytes(const struct code *c, uint64_t ip)
{
    const uint8_t *p = c->bytes + (ip - c->addr);
    size_t left = c->len - (ip - c->addr);
    uint64_t at = ip;
    cs_insn *in = capstone.cs_malloc(disassembler);

    while (in && at - ip < JUMP_LEN - 2) {
        if (!capstone.cs_disasm_iter(disassembler, &p, &left, &at, in) || !relocatable(in)) {
            at = ip;
            break;
        }
    }
    if (in)
        capstone.cs_free(in, 1);
    return (int)(at - ip);
}

/*
 * Decodes from several places in front of addr: x86 code falls into step within a few
 * instructions. True if those that meet addr agree that an instruction begins at want as well.
 */
static bool begins_at(const struct code *c, uint64_t addr, uint64_t want)
{
    int meet = 0, agree = 0;
    cs_insn *in = capstone.cs_malloc(disassembler);

    for (int k = SYNC_MIN; in && k < BEFORE && (uint64_t)k <= want - c->addr; k++) {
        uint64_t at = want - (uint64_t)k;
        const uint8_t *p = c->bytes + (at - c->addr);
        size_t left = c->len - (at - c->addr);
        bool seen = false;
        while (at < addr && capstone.cs_disasm_iter(disassembler, &p, &left, &at, in))
            seen |= at == want;
        meet += at == addr;
        agree += at == addr && seen;
    }
    if (in)
        capstone.cs_free(in, 1);
    return agree > 0 && agree * 8 >= meet * 7;
}

static bool in_hole(int64_t target, uint64_t start)
{
    return target > (int64_t)start && target < (int64_t)start + JUMP_LEN;
}

/* Short branches near by, as the instructions say. */
static bool near_branch_into(const struct code *c, uint64_t start)
{
    uint64_t at = start - MIN(start - c->addr, (uint64_t)NEAR + BEFORE);
    const uint8_t *p = c->bytes + (at - c->addr);
    size_t left = c->len - (at - c->addr);
    cs_insn *in = capstone.cs_malloc(disassembler);
    bool found = !in;

    while (!found && at < start + NEAR && left) {
        if (!capstone.cs_disasm_iter(disassembler, &p, &left, &at, in)) {
            p++;
            left--;
            at++;
            continue;
        }
        for (int i = 0; i < in->detail->x86.op_count; i++)
            if ((capstone.cs_insn_group(disassembler, in, CS_GRP_JUMP) ||
                 capstone.cs_insn_group(disassembler, in, CS_GRP_CALL)) &&
                in->detail->x86.operands[i].type == X86_OP_IMM)
                found |= in_hole(in->detail->x86.operands[i].imm, start);
    }
    if (in)
        capstone.cs_free(in, 1);
    return found;
}

/* Long branches, wherever their bytes might begin. */
static bool far_branch_into(const struct code *c, uint64_t start)
{
    for (size_t i = 0; i + 6 <= c->len; i++) {
        size_t op = c->bytes[i] == 0xe8 || c->bytes[i] == 0xe9                ? 1
                    : c->bytes[i] == 0x0f && (c->bytes[i + 1] & 0xf0) == 0x80 ? 2
                                                                              : 0;
        int32_t rel;
        if (!op)
            continue;
        memcpy(&rel, c->bytes + i + op, sizeof(rel));
        if (in_hole((int64_t)(c->addr + i + op + 4) + rel, start))
            return true;
    }
    return false;
}

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

static bool lock_text(struct gthread *thr)
{
    struct gthread *t;

    if (thr->as->text_busy)
        return false;
    thr->as->text_busy = true;
    list_for_each(t, &thr->as->threads, node)
        __atomic_store_n(&t->slot->text_locked, t != thr, __ATOMIC_SEQ_CST);
    list_for_each(t, &thr->as->threads, node) {
        if (t != thr && t->running && !__atomic_load_n(&t->slot->in_futex, __ATOMIC_SEQ_CST)) {
            unlock_text(thr->as);
            return false;
        }
    }
    return true;
}

static int protect(struct gthread *thr, uint64_t start, uint64_t end, int prot)
{
    struct platform_hostcall call = {.nr = SYS_mprotect, .fd = -1};

    call.args[0] = PAGE_DOWN(start);
    call.args[1] = PAGE_UP(end) - PAGE_DOWN(start);
    call.args[2] = (unsigned long)prot;
    return platform->hostcall(thr, &call);
}

static int write_code(struct gthread *thr, uint64_t at, const void *bytes, size_t n)
{
    return platform->write_mem(thr->as, at, bytes, n) == (ssize_t)n ? 0 : -EFAULT;
}

/* The others are kept away, and parked ones wait in trap_run() and before a fork. */
static int write_site(struct gthread *thr, const struct platform_site *s, const struct patched *p)
{
    uint8_t jump[JUMP_LEN] = {0xe9};
    int32_t rel = (int32_t)(p->thunk - (p->start + JUMP_LEN));

    memcpy(jump + 1, &rel, sizeof(rel));
    if (!lock_text(thr))
        return -EAGAIN;
    int err = protect(thr, p->start, p->start + JUMP_LEN, s->prot | PROT_WRITE);
    if (!err) {
        err = write_code(thr, p->start, jump, sizeof(jump));
        int back = protect(thr, p->start, p->start + JUMP_LEN, s->prot);
        err = err ? err : back;
    }
    unlock_text(thr->as);
    return err;
}

static int choose(const struct platform_site *s, const struct code *c, struct patched *p)
{
    const uint8_t *call = c->bytes + (s->ip - 2 - c->addr);
    uint32_t nr;

    p->ip = s->ip;
    p->thunk = s->thunk;
    memcpy(&nr, call - 4, sizeof(nr));
    if (call[0] != 0x0f || call[1] != 0x05)
        return -ENOEXEC;
    p->start = s->ip - 2 - JUMP_LEN;
    if (call[-5] == 0xb8 && nr == (uint32_t)s->nr && begins_at(c, s->ip - 2, p->start) &&
        !near_branch_into(c, p->start) && !far_branch_into(c, p->start))
        return 0;
    p->start = s->ip - 2;
    p->displaced = (uint8_t)displaced_bytes(c, s->ip);
    if (!p->displaced || near_branch_into(c, p->start) || far_branch_into(c, p->start))
        return -ENOEXEC;
    return 0;
}

static int read_code(struct gthread *thr, const struct platform_site *s, struct code *c)
{
    uint64_t start = s->ip - MIN(s->ip, (uint64_t)FAR), end = s->ip + FAR;

    start = MAX(start, s->text_start);
    end = MIN(end, s->text_end);
    if (s->ip < start + BEFORE || s->ip + AFTER > end)
        return -ENOEXEC;
    c->addr = start;
    c->len = end - start;
    c->bytes = malloc(c->len);
    if (!c->bytes)
        return -ENOMEM;
    return platform->read_mem(thr->as, c->bytes, start, c->len) == (ssize_t)c->len ? 0 : -ENOEXEC;
}

int text_patch(struct gthread *thr, const struct platform_site *s)
{
    struct patched p = {0};
    struct thunk t = {.len = 0};
    struct code c = {0};

    if (!reachable(s->ip, s->area) || !reachable(s->ip, s->thunk))
        return -ENOEXEC;
    if (!disassembler_ready())
        return -ENOEXEC;
    int err = read_code(thr, s, &c);
    if (!err)
        err = choose(s, &c, &p);
    if (!err) {
        const uint64_t entry = trap_fast_entry();
        build_thunk(&t, s, &p, &c);
        err = write_code(thr, s->area, &entry, sizeof(entry));
        if (!err)
            err = write_code(thr, t.addr, t.bytes, t.len);
    }
    free(c.bytes);
    struct text *own = err ? NULL : text_own(thr->as);
    if (!err && !own)
        err = -ENOMEM;
    if (!err)
        err = write_site(thr, s, &p);
    if (err)
        return err;
    own = text_own(thr->as);
    if (!own)
        return -ENOMEM;
    int i = site_after(own, p.start);
    memmove(own->site + i + 1, own->site + i, (size_t)(own->n - i) * sizeof(p));
    own->site[i] = p;
    own->n++;
    own->low = MIN(own->low, p.thunk);
    own->high = MAX(own->high, p.thunk + THUNK_SIZE);
    return 0;
}
