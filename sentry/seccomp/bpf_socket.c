/*
 * Classic BPF over messages, SO_ATTACH_FILTER: loads of bytes and half words, by X, and what Linux
 * keeps beside a packet. net/core/filter.c: bpf_check_classic(), convert_bpf_extensions().
 */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "sentry/seccomp/bpf_internal.h"

#define AD_OFF ((uint32_t)SKF_AD_OFF)
#define NET_OFF ((uint32_t)SKF_NET_OFF)

static bool is_ancillary(uint32_t k)
{
    switch (k - AD_OFF) {
    case SKF_AD_PROTOCOL:
    case SKF_AD_PKTTYPE:
    case SKF_AD_IFINDEX:
    case SKF_AD_NLATTR:
    case SKF_AD_NLATTR_NEST:
    case SKF_AD_MARK:
    case SKF_AD_QUEUE:
    case SKF_AD_HATYPE:
    case SKF_AD_RXHASH:
    case SKF_AD_CPU:
    case SKF_AD_ALU_XOR_X:
    case SKF_AD_VLAN_TAG:
    case SKF_AD_VLAN_TAG_PRESENT:
    case SKF_AD_PAY_OFFSET:
    case SKF_AD_RANDOM:
    case SKF_AD_VLAN_TPID:
        return true;
    default:
        return false;
    }
}

static bool socket_ok(const struct sock_filter *i)
{
    switch (i->code) {
    /* NOLINTNEXTLINE(misc-redundant-expression): two fields of the code, both 0 */
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
        return i->k < AD_OFF || is_ancillary(i->k);
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_ALU | BPF_MOD | BPF_K:
    case BPF_ALU | BPF_MOD | BPF_X:
        return true;
    default:
        return bpf_code_known(i->code);
    }
}

int bpf_check_socket(const struct sock_filter *f, unsigned int len)
{
    if (!len || len > BPF_LEN_MAX)
        return -EINVAL;
    for (unsigned int pc = 0; pc < len; pc++)
        if (!socket_ok(&f[pc]) || !bpf_operands_ok(&f[pc], len - pc - 1))
            return -EINVAL;
    if (BPF_CLASS(f[len - 1].code) != BPF_RET || !bpf_memory_ok(f, len))
        return -EINVAL;
    return 0;
}

/* Big-endian, size bytes at off; from SKF_NET_OFF on the same: there is no header before. */
static bool fetch(const struct bpf_message *m, uint32_t off, uint32_t size, uint32_t *to)
{
    uint32_t v = 0;

    if (off >= NET_OFF)
        off -= NET_OFF;
    if (off > m->len || size > m->len - off)
        return false;
    for (uint32_t k = 0; k < size; k++)
        v = v << 8 | m->data[off + k];
    *to = v;
    return true;
}

/* Where in the attributes from off to end the one of that type is; 0: nowhere. nla_find() */
static uint32_t find_attribute(const struct bpf_message *m, uint32_t off, uint32_t end,
                               uint32_t type)
{
    struct nlattr a;

    while (off <= end && end - off >= sizeof(a)) {
        memcpy(&a, m->data + off, sizeof(a));
        if (a.nla_len < sizeof(a) || a.nla_len > end - off)
            return 0;
        if ((a.nla_type & NLA_TYPE_MASK) == type)
            return off;
        off += (uint32_t)NLA_ALIGN(a.nla_len);
    }
    return 0;
}

static uint32_t attribute(const struct bpf_message *m, uint32_t off, uint32_t type, bool nested)
{
    struct nlattr a;

    if (m->len < sizeof(a) || off > m->len - sizeof(a))
        return 0;
    if (!nested)
        return find_attribute(m, off, m->len, type);
    memcpy(&a, m->data + off, sizeof(a));
    if (a.nla_len > m->len - off || a.nla_len < sizeof(a))
        return 0;
    return find_attribute(m, off + (uint32_t)sizeof(a), off + a.nla_len, type);
}

static bool ancillary(const struct bpf_state *st, uint32_t what, uint32_t *to)
{
    const struct bpf_message *m = st->input;

    switch (what) {
    case SKF_AD_IFINDEX:
    case SKF_AD_HATYPE:
        return false; /* it came from no device */
    case SKF_AD_NLATTR:
    case SKF_AD_NLATTR_NEST:
        *to = attribute(m, st->a, st->x, what == SKF_AD_NLATTR_NEST);
        break;
    case SKF_AD_CPU:
        *to = m->cpu;
        break;
    case SKF_AD_ALU_XOR_X:
        *to = st->a ^ st->x;
        break;
    case SKF_AD_RANDOM:
        *to = m->random();
        break;
    default: /* no protocol, mark, queue, hash, tag or payload of its own */
        *to = 0;
    }
    return true;
}

static inline bool load(struct bpf_state *st, const struct sock_filter *i, uint32_t *to)
{
    const struct bpf_message *m = st->input;
    uint16_t mode = BPF_MODE(i->code), width = BPF_SIZE(i->code);
    uint32_t size = width == BPF_W ? 4 : width == BPF_H ? 2 : 1;

    if (mode == BPF_LEN) {
        *to = m->len;
        return true;
    }
    if (mode == BPF_ABS && i->k >= AD_OFF)
        return ancillary(st, i->k - AD_OFF, to);
    if (fetch(m, mode == BPF_IND ? st->x + i->k : i->k, mode == BPF_MSH ? 1 : size, to)) {
        if (mode == BPF_MSH)
            *to = (*to & 0xf) * 4;
        return true;
    }
    st->a = 0; /* beyond the end: dropped */
    return false;
}

uint32_t bpf_run_socket(const struct sock_filter *f, unsigned int len, const struct bpf_message *m)
{
    return bpf_interpret(f, len, m, load);
}
