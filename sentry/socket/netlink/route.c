/*
 * rtnetlink(7) for a sandbox without a network: what a new network namespace shows, one loopback
 * link that is down, without addresses and routes.
 */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "sentry/socket/netlink/netlink.h"

#define LO_INDEX 1
#define LO_MTU 65536
#define LO_TXQLEN 1000

static void attr_u32(struct nl_reply *r, uint16_t type, uint32_t v)
{
    nl_attr(r, type, &v, sizeof(v));
}

static void loopback(struct nl_reply *r, uint16_t flags)
{
    const struct ifinfomsg i = {
        .ifi_type = ARPHRD_LOOPBACK, .ifi_index = LO_INDEX, .ifi_flags = IFF_LOOPBACK};
    const unsigned char address[6] = {0}, down = IF_OPER_DOWN, mode = 0;
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
    nl_attr(r, IFLA_QDISC, "noop", 5);
    nl_attr(r, IFLA_ADDRESS, address, sizeof(address));
    nl_attr(r, IFLA_BROADCAST, address, sizeof(address));
    nl_attr(r, IFLA_STATS64, &stats, sizeof(stats));
    nl_end(r, at);
}

static int get_link(const struct nlmsghdr *h, size_t len, struct nl_reply *r)
{
    struct ifinfomsg i;

    if (h->nlmsg_flags & NLM_F_DUMP) {
        loopback(r, NLM_F_MULTI);
        return 0;
    }
    if (len < sizeof(*h) + sizeof(i))
        return -EINVAL;
    memcpy(&i, (const char *)h + sizeof(*h), sizeof(i));
    if (i.ifi_index < 0)
        return -EINVAL;
    if (i.ifi_index == LO_INDEX) {
        loopback(r, 0);
        return 0;
    }
    const struct nlattr *a = (const void *)((const char *)h + sizeof(*h) + sizeof(i));
    if (!i.ifi_index && len >= sizeof(*h) + sizeof(i) + sizeof(*a) + 3 &&
        a->nla_type == IFLA_IFNAME && a->nla_len <= sizeof(*a) + 3 && !memcmp(a + 1, "lo", 3)) {
        loopback(r, 0);
        return 0;
    }
    return -ENODEV;
}

int route_request(struct task *t, const struct nlmsghdr *h, size_t len, struct nl_reply *r)
{
    const int done = 0;
    int err = 0;

    switch (h->nlmsg_type) {
    case RTM_GETLINK:
        err = get_link(h, len, r);
        break;
    case RTM_GETADDR:
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
