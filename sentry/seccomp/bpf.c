/*
 * Classic BPF: net/core/filter.c's bpf_check_classic(), kernel/seccomp.c's seccomp_check_filter().
 * What seccomp and sockets have in common; what only sockets have is in bpf_socket.c.
 */
#include "sentry/seccomp/bpf_internal.h"

#include <errno.h>
#include <string.h>

#define DATA_WORDS (sizeof(struct seccomp_data) / 4)

/* Those that both have; what seccomp loads is checked by operands_ok(). */
bool bpf_code_known(uint16_t code)
{
    switch (code) {
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    /* NOLINTNEXTLINE(misc-redundant-expression): two fields of the code, both 0 */
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

bool bpf_operands_ok(const struct sock_filter *i, unsigned int left)
{
    switch (i->code) {
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_MOD | BPF_K:
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
bool bpf_memory_ok(const struct sock_filter *f, unsigned int len)
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

static bool seccomp_ok(const struct sock_filter *i)
{
    if (i->code == (BPF_LD | BPF_W | BPF_ABS))
        return i->k < sizeof(struct seccomp_data) && !(i->k & 3);
    return bpf_code_known(i->code);
}

int bpf_check(const struct sock_filter *f, unsigned int len)
{
    if (!len || len > BPF_LEN_MAX)
        return -EINVAL;
    for (unsigned int pc = 0; pc < len; pc++)
        if (!seccomp_ok(&f[pc]) || !bpf_operands_ok(&f[pc], len - pc - 1))
            return -EINVAL;
    if (BPF_CLASS(f[len - 1].code) != BPF_RET || !bpf_memory_ok(f, len))
        return -EINVAL;
    return 0;
}

static inline bool load(struct bpf_state *st, const struct sock_filter *i, uint32_t *to)
{
    const uint32_t *words = st->input;

    if (BPF_MODE(i->code) == BPF_ABS)
        *to = words[i->k / 4];
    else /* BPF_LEN */
        *to = sizeof(struct seccomp_data);
    return true;
}

uint32_t bpf_run(const struct sock_filter *f, unsigned int len, const struct seccomp_data *d)
{
    uint32_t words[DATA_WORDS];

    memcpy(words, d, sizeof(words));
    return bpf_interpret(f, len, words, load);
}
