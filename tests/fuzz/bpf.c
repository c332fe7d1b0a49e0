/*
 * Filters of guests: a program that is accepted ends, keeps to its memory, and says the same about
 * the same call. Codes are drawn from those that exist as often as not, or hardly any would pass.
 */
#include "sentry/seccomp/bpf.h"

#include "tests/fuzz/fuzz.h"

static const uint16_t codes[] = {
    BPF_LD | BPF_W | BPF_ABS,
    BPF_LD | BPF_W | BPF_LEN,
    BPF_LDX | BPF_W | BPF_LEN,
    BPF_LD | BPF_IMM,
    BPF_LDX | BPF_IMM,
    BPF_LD | BPF_MEM,
    BPF_LDX | BPF_MEM,
    BPF_ST,
    BPF_STX,
    BPF_MISC | BPF_TAX,
    BPF_MISC | BPF_TXA,
    BPF_ALU | BPF_NEG,
    BPF_ALU | BPF_ADD | BPF_X,
    BPF_ALU | BPF_DIV | BPF_X,
    BPF_ALU | BPF_DIV | BPF_K,
    BPF_ALU | BPF_LSH | BPF_X,
    BPF_ALU | BPF_RSH | BPF_K,
    BPF_ALU | BPF_MUL | BPF_K,
    BPF_JMP | BPF_JA,
    BPF_JMP | BPF_JEQ | BPF_K,
    BPF_JMP | BPF_JGT | BPF_X,
    BPF_JMP | BPF_JSET | BPF_K,
    BPF_RET | BPF_K,
    BPF_RET | BPF_A,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct seccomp_data d;
    unsigned int n = 0;

    take(&in, &d, sizeof(d));
    struct sock_filter *f = malloc((size / 4 + 1) * sizeof(*f));
    while (in.left && n < BPF_LEN_MAX + 1) {
        uint8_t how = take_u8(&in), small[3];
        if (how & 0x80) {
            take(&in, &f[n], sizeof(f[n]));
        } else {
            take(&in, small, sizeof(small));
            f[n] = (struct sock_filter){codes[how % (sizeof(codes) / sizeof(codes[0]))],
                                        small[0] & 7, small[1] & 7, small[2] & 0x3f};
        }
        n++;
    }
    struct sock_filter *exact = malloc(n * sizeof(*f) + 1);
    memcpy(exact, f, n * sizeof(*f));
    free(f);
    if (!bpf_check(exact, n)) {
        uint32_t first = bpf_run(exact, n, &d);
        REQUIRE(first == bpf_run(exact, n, &d));
    }
    free(exact);
    return 0;
}
