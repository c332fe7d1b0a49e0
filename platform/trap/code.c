/* What can be found out about code around a call site: patch.h. */
#include <string.h>

#include "base/macros.h"
#include "platform/trap/insn.h"
#include "platform/trap/patch.h"

#define BEFORE 64   /* bytes of code looked at in front of the call */
#define NEAR 160    /* short branches reach no farther, with their own length */
#define SYNC_MIN 16 /* a linear decoding that begins so far in front has found the instructions */

/* Decodes at addr, which lies in c or behind it. */
static bool decode(const struct code *c, uint64_t addr, struct insn *in)
{
    size_t off = addr - c->addr;

    return off < c->len && insn_decode(c->bytes + off, c->len - off, in);
}

/* NULL, or why the instruction means something else in another place. */
static const char *stays(const struct insn *in)
{
    if (in->control)
        return "a branch or call follows the call too soon";
    if (in->rip_relative)
        return "what follows the call depends on its address";
    return in->privileged ? "what follows the call is privileged" : NULL;
}

int code_displaced(const struct code *c, uint64_t ip, const char **why)
{
    struct insn in = {0};
    uint64_t at = ip;

    for (*why = NULL; !*why && at - ip < JUMP_LEN - 2; at += in.len)
        *why = decode(c, at, &in) ? stays(&in) : "what follows the call is no instruction";
    return *why ? 0 : (int)(at - ip);
}

/*
 * Decodes from several places in front of addr: x86 code falls into step within a few
 * instructions. True if those that meet addr agree that an instruction begins at want as well.
 */
bool code_begins_at(const struct code *c, uint64_t addr, uint64_t want)
{
    int meet = 0, agree = 0;
    struct insn in;

    for (int k = SYNC_MIN; k < BEFORE && (uint64_t)k <= want - c->addr; k++) {
        uint64_t at = want - (uint64_t)k;
        bool seen = false;
        while (at < addr && decode(c, at, &in)) {
            seen |= at == want;
            at += in.len;
        }
        meet += at == addr;
        agree += at == addr && seen;
    }
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
    struct insn in;

    while (at < start + NEAR && at < c->addr + c->len) {
        if (!decode(c, at, &in)) {
            at++;
            continue;
        }
        at += in.len;
        if (in.has_target && in_hole((int64_t)at + in.rel, start))
            return true;
    }
    return false;
}

/* Is what ends with the distance at off a jump or call? */
static bool long_branch_ends(const struct code *c, size_t off)
{
    const uint8_t *p = c->bytes + off;

    return (off >= 1 && (p[-1] == 0xe8 || p[-1] == 0xe9)) ||
           (off >= 2 && p[-2] == 0x0f && (p[-1] & 0xf0) == 0x80);
}

/*
 * Long branches, wherever their bytes might begin. All distances that lead into the hole are looked
 * for, four at a time; hardly any belongs to a branch.
 */
static bool far_branch_into(const struct code *c, uint64_t start)
{
    typedef uint32_t words __attribute__((vector_size(16), aligned(1)));
    const words step = {0, 4, 8, 12};
    size_t off = 0;

    for (; off + 19 <= c->len; off += 16) {
        for (size_t k = 0; k < 4; k++) {
            /* value + its place - hole: from 0 to 3 for what we look for */
            uint32_t base = (uint32_t)(c->addr + off + k + 4 - (start + 1));
            words at = *(const words *)(c->bytes + off + k) + step + base;
            words hit = (words)(at < JUMP_LEN - 1);
            if (likely(!(hit[0] | hit[1] | hit[2] | hit[3])))
                continue;
            for (size_t i = 0; i < 4; i++)
                if (hit[i] && long_branch_ends(c, off + k + 4 * i))
                    return true;
        }
    }
    for (; off + 4 <= c->len; off++) {
        int32_t rel;
        memcpy(&rel, c->bytes + off, sizeof(rel));
        if (in_hole((int64_t)(c->addr + off + 4) + rel, start) && long_branch_ends(c, off))
            return true;
    }
    return false;
}

bool code_branch_into(const struct code *c, uint64_t start)
{
    return near_branch_into(c, start) || far_branch_into(c, start);
}
