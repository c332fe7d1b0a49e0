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
    BPF_LD | BPF_H | BPF_ABS,
    BPF_LD | BPF_B | BPF_IND,
    BPF_LD | BPF_W | BPF_IND,
    BPF_LDX | BPF_B | BPF_MSH,
    BPF_ALU | BPF_MOD | BPF_X,
};

/* Offsets at which there are other things than the message. */
static const uint32_t offsets[] = {
    (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR),
    (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR_NEST),
    (uint32_t)(SKF_AD_OFF + SKF_AD_ALU_XOR_X),
    (uint32_t)SKF_NET_OFF,
    (uint32_t)SKF_LL_OFF,
    UINT32_MAX,
};

static uint32_t four(void)
{
    return 4;
}

/* The same program over a message of exactly so many bytes. */
static void check_socket(const struct sock_filter *f, unsigned int n, const struct seccomp_data *d)
{
    if (bpf_check_socket(f, n))
        return;
    for (uint32_t len = 0; len <= 32; len += 8) {
        uint8_t *data = malloc(len + !len);
        memcpy(data, d, len);
        const struct bpf_message m = {.data = data, .len = len, .cpu = 1, .random = four};
        uint32_t first = bpf_run_socket(f, n, &m);
        REQUIRE(first == bpf_run_socket(f, n, &m));
        free(data);
    }
}

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
            if (small[2] >= 0xf0)
                f[n].k = offsets[small[2] % (sizeof(offsets) / sizeof(offsets[0]))];
        }
        n++;
    }
    struct sock_filter *exact = malloc(n * sizeof(*f) + 1);
    memcpy(exact, f, n * sizeof(*f));
    free(f);
    check_socket(exact, n, &d);
    if (!bpf_check(exact, n)) {
        uint32_t first = bpf_run(exact, n, &d);
        REQUIRE(first == bpf_run(exact, n, &d));
    }
    free(exact);
    return 0;
}
