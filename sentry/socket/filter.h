/* Filters of sockets: SO_ATTACH_FILTER. */
#ifndef NV_SENTRY_SOCKET_FILTER_H
#define NV_SENTRY_SOCKET_FILTER_H

#include "sentry/socket/socket.h"

int socket_filter_attach(struct task *t, struct socket *s, const void *val, socklen_t len);
int socket_filter_detach(struct socket *s);
int socket_filter_get(struct task *t, const struct socket *s, uint64_t addr, int *len);
void socket_filter_drop(struct socket *s); /* the socket is being freed */

#define SOCKET_FILTER_DROPS SIZE_MAX
/* How many of len bytes may pass, or SOCKET_FILTER_DROPS; s->filter is there. */
size_t socket_filter_run(const struct socket *s, const void *data, size_t len);

void socket_filter_save(struct ckpt_writer *w, const struct socket *s);
void socket_filter_load(struct ckpt_reader *r, struct socket *s);

#endif
