/* What the files of AF_NETLINK share. */
#ifndef NV_SENTRY_SOCKET_NETLINK_H
#define NV_SENTRY_SOCKET_NETLINK_H

#include <linux/netlink.h>

#include "sentry/kernel/task.h"
#include "sentry/socket/socket.h"

/* Growing answer of one datagram; failed is sticky, as with struct strbuf. */
struct nl_reply {
    char *data; /* owned */
    size_t len, cap;
    bool failed;
    uint32_t seq, port;
};

/* Begins a message; returns its offset for nl_end(). */
size_t nl_begin(struct nl_reply *r, uint16_t type, uint16_t flags, const void *body, size_t len);
void nl_attr(struct nl_reply *r, uint16_t type, const void *data, size_t len);
void nl_end(struct nl_reply *r, size_t message);

/* route.c: rtnetlink(7). Answers a request of len bytes, header included: 0 or negative errno. */
int route_request(struct task *t, const struct nlmsghdr *h, size_t len, struct nl_reply *r);

#endif
