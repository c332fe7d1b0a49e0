/* Messages with descriptors over a Unix socket: unix(7), SCM_RIGHTS. */
#ifndef NV_BASE_FDMSG_H
#define NV_BASE_FDMSG_H

#include <sys/types.h>
#include <sys/uio.h>

#define FDMSG_FDS_MAX 8

/* As sendmsg(2) with nfds descriptors, which stay the caller's. Bytes or negative errno. */
ssize_t fdmsg_send(int sock, const struct iovec *iov, int niov, const int *fds, int nfds,
                   int flags);
/*
 * As recvmsg(2); at most max descriptors come (close-on-exec), Linux closes the others. Bytes or
 * negative errno.
 */
ssize_t fdmsg_receive(int sock, struct iovec *iov, int niov, int *fds, int max, int *nfds,
                      int flags);

#endif
