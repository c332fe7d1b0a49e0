/* Classic BPF: net/core/filter.c's bpf_check_classic(), kernel/seccomp.c's seccomp_check_filter().
 */
#include "sentry/seccomp/bpf.h"

#include <errno.h>
#include <string.h>

#define DATA_WORDS (sizeof(struct seccomp_data) / 4)

static bool code_known(uint16_t code)
{
    switch (code) {
    /* NOLINTNEXTLINE(misc-redundant-expression): two fields of the code, both 0 */
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    /* NOLINTNEXTLINE(misc-redundant-expression): as above */
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_JMP | BPF_JA:
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
        return true;
    default:
        return false;
    }
}

static bool operands_ok(const struct sock_filter *i, unsigned int left)
{
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return i->k < sizeof(struct seccomp_data) && !(i->k & 3);
    case BPF_ALU | BPF_DIV | BPF_K:
        return i->k != 0;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
        return i->k < 32;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
        return i->k < BPF_MEMWORDS;
    case BPF_JMP | BPF_JA:
        return i->k < left;
    default:
        return BPF_CLASS(i->code) != BPF_JMP || (i->jt < left && i->jf < left);
    }
}

/* No word of memory is read before it was written, whichever way was taken. */
static bool memory_ok(const struct sock_filter *f, unsigned int len)
{
    static uint16_t masks[BPF_LEN_MAX];
    uint16_t valid = 0;

    memset(masks, 0xff, len * sizeof(masks[0]));
    for (unsigned int pc = 0; pc < len; pc++) {
        const struct sock_filter *i = &f[pc];
        valid &= masks[pc];
        switch (i->code) {
        case BPF_ST:
        case BPF_STX:
            valid |= (uint16_t)(1U << i->k);
            break;
        case BPF_LD | BPF_MEM:
        case BPF_LDX | BPF_MEM:
            if (!(valid & 1U << i->k))
                return false;
            break;
        case BPF_JMP | BPF_JA:
            masks[pc + 1 + i->k] &= valid;
            valid = 0xffff;
            break;
        default:
            if (BPF_CLASS(i->code) != BPF_JMP)
                break;
            masks[pc + 1 + i->jt] &= valid;
            masks[pc + 1 + i->jf] &= valid;
            valid = 0xffff;
        }
    }
    return true;
}

int bpf_check(const struct sock_filter *f, unsigned int len)
{
    if (!len || len > BPF_LEN_MAX)
        return -EINVAL;
    for (unsigned int pc = 0; pc < len; pc++)
        if (!code_known(f[pc].code) || !operands_ok(&f[pc], len - pc - 1))
            return -EINVAL;
    if (BPF_CLASS(f[len - 1].code) != BPF_RET || !memory_ok(f, len))
        return -EINVAL;
    return 0;
}

static uint32_t alu(uint16_t op, uint32_t a, uint32_t b)
{
    switch (op) {
    case BPF_ADD:
        return a + b;
    case BPF_SUB:
        return a - b;
    case BPF_MUL:
        return a * b;
    case BPF_DIV:
        return a / b; /* by X: the caller has looked */
    case BPF_AND:
        return a & b;
    case BPF_OR:
        return a | b;
    case BPF_XOR:
        return a ^ b;
    case BPF_LSH: /* by X: the low five bits, as eBPF's 32-bit shifts */
        return a << (b & 31);
    case BPF_RSH:
        return a >> (b & 31);
    default: /* BPF_NEG */
        return -a;
    }
}

static bool jumps(uint16_t op, uint32_t a, uint32_t b)
{
    switch (op) {
    case BPF_JEQ:
        return a == b;
    case BPF_JGT:
        return a > b;
    case BPF_JGE:
        return a >= b;
    default: /* BPF_JSET */
        return a & b;
    }
}

static void load(const struct sock_filter *i, const uint32_t *words, const uint32_t *mem,
                 uint32_t *to)
{
    switch (BPF_MODE(i->code)) {
    case BPF_ABS:
        *to = words[i->k / 4];
        break;
    case BPF_MEM:
        *to = mem[i->k];
        break;
    case BPF_LEN:
        *to = sizeof(struct seccomp_data);
        break;
    default:
        *to = i->k;
    }
}

uint32_t bpf_run(const struct sock_filter *f, unsigned int len, const struct seccomp_data *d)
{
    uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = {0}, words[DATA_WORDS];

    memcpy(words, d, sizeof(words));
    for (unsigned int pc = 0; pc < len; pc++) {
        const struct sock_filter *i = &f[pc];
        uint32_t b = BPF_SRC(i->code) == BPF_X ? x : i->k;
        switch (BPF_CLASS(i->code)) {
        case BPF_LD:
            load(i, words, mem, &a);
            break;
        case BPF_LDX:
            load(i, words, mem, &x);
            break;
        case BPF_ST:
            mem[i->k] = a;
            break;
        case BPF_STX:
            mem[i->k] = x;
            break;
        case BPF_ALU:
            if (BPF_OP(i->code) == BPF_DIV && !b)
                return 0;
            a = alu(BPF_OP(i->code), a, b);
            break;
        case BPF_JMP:
            if (BPF_OP(i->code) == BPF_JA)
                pc += i->k;
            else
                pc += jumps(BPF_OP(i->code), a, b) ? i->jt : i->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(i->code) == BPF_A ? a : i->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(i->code) == BPF_TAX)
                x = a;
            else
                a = x;
        }
    }
    return 0; /* not reached: the last one returns */
}
