/*
 * rtnetlink(7) for a sandbox without a network: what a new network namespace shows, one loopback
 * link that is down, without addresses and routes. It can be set up and be given addresses, which
 * is what programs do that make a namespace.
 */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/socket/netlink/netlink.h"

#define LO_INDEX 1
#define LO_MTU 65536
#define LO_TXQLEN 1000

static void attr_u32(struct nl_reply *r, uint16_t type, uint32_t v)
{
    nl_attr(r, type, &v, sizeof(v));
}

struct net_state *net_state_first(void)
{
    static struct net_state first;

    return &first;
}

static struct net_state *state_of(const struct task *t)
{
    return t->net ? &t->net->state : net_state_first();
}

unsigned int loopback_flags(const struct task *t)
{
    return IFF_LOOPBACK | (state_of(t)->lo_up ? IFF_UP | IFF_RUNNING | IFF_LOWER_UP : 0);
}

static void loopback(struct task *t, struct nl_reply *r, uint16_t flags)
{
    const struct ifinfomsg i = {
        .ifi_type = ARPHRD_LOOPBACK, .ifi_index = LO_INDEX, .ifi_flags = loopback_flags(t)};
    const unsigned char address[6] = {0}, mode = 0,
                        down = state_of(t)->lo_up ? IF_OPER_UNKNOWN : IF_OPER_DOWN;
    const struct rtnl_link_stats64 stats = {0};

    size_t at = nl_begin(r, RTM_NEWLINK, flags, &i, sizeof(i));
    nl_attr(r, IFLA_IFNAME, "lo", 3);
    attr_u32(r, IFLA_TXQLEN, LO_TXQLEN);
    nl_attr(r, IFLA_OPERSTATE, &down, 1);
    nl_attr(r, IFLA_LINKMODE, &mode, 1);
    attr_u32(r, IFLA_MTU, LO_MTU);
    attr_u32(r, IFLA_GROUP, 0);
    attr_u32(r, IFLA_NUM_TX_QUEUES, 1);
    attr_u32(r, IFLA_NUM_RX_QUEUES, 1);
    nl_attr(r, IFLA_QDISC, state_of(t)->lo_up ? "noqueue" : "noop", state_of(t)->lo_up ? 8 : 5);
    nl_attr(r, IFLA_ADDRESS, address, sizeof(address));
    nl_attr(r, IFLA_BROADCAST, address, sizeof(address));
    nl_attr(r, IFLA_STATS64, &stats, sizeof(stats));
    nl_end(r, at);
}

static int get_link(struct task *t, const struct nlmsghdr *h, size_t len, struct nl_reply *r)
{
    struct ifinfomsg i;

    if (h->nlmsg_flags & NLM_F_DUMP) {
        loopback(t, r, NLM_F_MULTI);
        return 0;
    }
    if (len < sizeof(*h) + sizeof(i))
        return -EINVAL;
    memcpy(&i, (const char *)h + sizeof(*h), sizeof(i));
    if (i.ifi_index < 0)
        return -EINVAL;
    if (i.ifi_index == LO_INDEX) {
        loopback(t, r, 0);
        return 0;
    }
    const struct nlattr *a = (const void *)((const char *)h + sizeof(*h) + sizeof(i));
    if (!i.ifi_index && len >= sizeof(*h) + sizeof(i) + sizeof(*a) + 3 &&
        a->nla_type == IFLA_IFNAME && a->nla_len <= sizeof(*a) + 3 && !memcmp(a + 1, "lo", 3)) {
        loopback(t, r, 0);
        return 0;
    }
    return -ENODEV;
}

static bool may_change(struct task *t)
{
    return ns_capable(t->cred, t->net ? t->net->base.owner : NULL, 12 /* CAP_NET_ADMIN */);
}

static int add_address(struct net_state *s, const struct net_addr *a)
{
    for (unsigned int i = 0; i < s->naddrs; i++)
        if (s->addrs[i].v4 == a->v4 && s->addrs[i].prefix == a->prefix)
            return -EEXIST;
    if (s->naddrs == NET_ADDRS_MAX)
        return -ENOBUFS;
    s->addrs[s->naddrs++] = *a;
    return 0;
}

/* Up or down: nothing else of the loopback link can be changed. */
static int set_link(struct task *t, const struct nlmsghdr *h, size_t len)
{
    struct net_state *s = state_of(t);
    struct ifinfomsg i;

    if (len < sizeof(*h) + sizeof(i))
        return -EINVAL;
    memcpy(&i, (const char *)h + sizeof(*h), sizeof(i));
    if (!may_change(t))
        return -EPERM;
    if (i.ifi_index != LO_INDEX)
        return i.ifi_index > 0 ? -ENODEV : -EOPNOTSUPP;
    unsigned int change = i.ifi_change ? i.ifi_change : ~0U;
    if (change & IFF_UP) {
        const struct net_addr own = {htonl(INADDR_LOOPBACK), 8};
        s->lo_up = i.ifi_flags & IFF_UP;
        if (s->lo_up && !s->naddrs)
            add_address(s, &own); /* as inetdev_event() does */
    }
    return 0;
}

static int new_address(struct task *t, const struct nlmsghdr *h, size_t len)
{
    struct ifaddrmsg m;
    struct net_addr a = {0};

    if (len < sizeof(*h) + sizeof(m))
        return -EINVAL;
    memcpy(&m, (const char *)h + sizeof(*h), sizeof(m));
    if (!may_change(t))
        return -EPERM;
    if (m.ifa_family != AF_INET)
        return -EOPNOTSUPP;
    if (m.ifa_index != LO_INDEX)
        return -ENODEV;
    for (size_t at = sizeof(*h) + NLMSG_ALIGN(sizeof(m)); at + sizeof(struct nlattr) <= len;) {
        struct nlattr attr;
        memcpy(&attr, (const char *)h + at, sizeof(attr));
        if (attr.nla_len < sizeof(attr) || attr.nla_len > len - at)
            break;
        if (attr.nla_type == IFA_LOCAL && attr.nla_len == sizeof(attr) + sizeof(a.v4))
            memcpy(&a.v4, (const char *)h + at + sizeof(attr), sizeof(a.v4));
        at += NLA_ALIGN(attr.nla_len);
    }
    a.prefix = m.ifa_prefixlen;
    if (!a.v4 || a.prefix > 32)
        return -EINVAL;
    int err = add_address(state_of(t), &a);
    return err == -EEXIST && !(h->nlmsg_flags & NLM_F_EXCL) ? 0 : err;
}

static void dump_addresses(struct task *t, struct nl_reply *r)
{
    const struct net_state *s = state_of(t);

    for (unsigned int k = 0; k < s->naddrs; k++) {
        const struct ifaddrmsg m = {.ifa_family = AF_INET,
                                    .ifa_prefixlen = s->addrs[k].prefix,
                                    .ifa_flags = IFA_F_PERMANENT,
                                    .ifa_scope = RT_SCOPE_HOST,
                                    .ifa_index = LO_INDEX};
        size_t at = nl_begin(r, RTM_NEWADDR, NLM_F_MULTI, &m, sizeof(m));
        nl_attr(r, IFA_ADDRESS, &s->addrs[k].v4, 4);
        nl_attr(r, IFA_LOCAL, &s->addrs[k].v4, 4);
        nl_attr(r, IFA_LABEL, "lo", 3);
        nl_end(r, at);
    }
}

int route_request(struct task *t, const struct nlmsghdr *h, size_t len, struct nl_reply *r)
{
    const int done = 0;
    int err = 0;

    switch (h->nlmsg_type) {
    case RTM_GETLINK:
        err = get_link(t, h, len, r);
        break;
    case RTM_NEWLINK:
    case RTM_SETLINK:
        return set_link(t, h, len);
    case RTM_NEWADDR:
        return new_address(t, h, len);
    case RTM_GETADDR:
        if (h->nlmsg_flags & NLM_F_DUMP)
            dump_addresses(t, r);
        else
            err = -ENOENT;
        break;
    case RTM_GETROUTE:
    case RTM_GETNEIGH:
    case RTM_GETRULE:
    case RTM_GETQDISC:
        if (!(h->nlmsg_flags & NLM_F_DUMP))
            err = h->nlmsg_type == RTM_GETROUTE ? -ENETUNREACH : -ENOENT;
        break;
    default:
        explain_missing("rtnetlink", "message %d", h->nlmsg_type);
        return -EOPNOTSUPP;
    }
    if (!err && (h->nlmsg_flags & NLM_F_DUMP))
        nl_end(r, nl_begin(r, NLMSG_DONE, NLM_F_MULTI, &done, sizeof(done)));
    return err;
}
