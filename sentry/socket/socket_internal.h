/* Shared by the files of sentry/socket that serve the system calls. */
#ifndef NV_SENTRY_SOCKET_INTERNAL_H
#define NV_SENTRY_SOCKET_INTERNAL_H

#include "sentry/socket/socket.h"

/* The file of a descriptor that must be a socket; *f is to be put in any case. */
int socket_get(struct task *t, int fd, struct file **f, struct socket **s);
int sockaddr_in(struct task *t, uint64_t addr, int len, struct sockaddr_storage *out);
int sockaddr_out(struct task *t, const struct sockaddr_storage *a, socklen_t len, uint64_t addr,
                 uint64_t len_addr);
/* control.c: ancillary data from and to the guest. */
int control_in(struct task *t, struct socket *s, struct scm *scm, uint64_t addr, size_t len);
void control_out(struct task *t, struct socket *s, struct msghdr *h, struct msg *m);

#endif
