/* The core of classic BPF, made into one interpreter for each kind of input: bpf.c, bpf_socket.c.
 */
#ifndef NV_SENTRY_SECCOMP_BPF_INTERNAL_H
#define NV_SENTRY_SECCOMP_BPF_INTERNAL_H

#include "sentry/seccomp/bpf.h"

bool bpf_code_known(uint16_t code);
bool bpf_operands_ok(const struct sock_filter *i, unsigned int left);
bool bpf_memory_ok(const struct sock_filter *f, unsigned int len);

struct bpf_state {
    uint32_t a, x, mem[BPF_MEMWORDS];
    const void *input;
};
/* What the input has at i; false: the program ends and returns st->a. */
typedef bool bpf_load_fn(struct bpf_state *st, const struct sock_filter *i, uint32_t *to);

static inline uint32_t bpf_alu(uint16_t op, uint32_t a, uint32_t b)
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
    case BPF_MOD:
        return a % b; /* likewise */
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

static inline bool bpf_jumps(uint16_t op, uint32_t a, uint32_t b)
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

static inline uint32_t bpf_interpret(const struct sock_filter *f, unsigned int len,
                                     const void *input, bpf_load_fn *load)
{
    struct bpf_state st = {.input = input};

    for (unsigned int pc = 0; pc < len; pc++) {
        const struct sock_filter *i = &f[pc];
        uint32_t b = BPF_SRC(i->code) == BPF_X ? st.x : i->k;
        uint16_t op = BPF_OP(i->code);
        switch (BPF_CLASS(i->code)) {
        case BPF_LD:
        case BPF_LDX: {
            uint32_t *to = BPF_CLASS(i->code) == BPF_LD ? &st.a : &st.x;
            if (BPF_MODE(i->code) == BPF_IMM)
                *to = i->k;
            else if (BPF_MODE(i->code) == BPF_MEM)
                *to = st.mem[i->k];
            else if (!load(&st, i, to))
                return st.a;
            break;
        }
        case BPF_ST:
            st.mem[i->k] = st.a;
            break;
        case BPF_STX:
            st.mem[i->k] = st.x;
            break;
        case BPF_ALU:
            if ((op == BPF_DIV || op == BPF_MOD) && !b)
                return 0;
            st.a = bpf_alu(op, st.a, b);
            break;
        case BPF_JMP:
            pc += op == BPF_JA ? i->k : bpf_jumps(op, st.a, b) ? i->jt : i->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(i->code) == BPF_A ? st.a : i->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(i->code) == BPF_TAX)
                st.x = st.a;
            else
                st.a = st.x;
        }
    }
    return 0; /* not reached: the last one returns */
}

#endif
