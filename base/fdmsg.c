/* See fdmsg.h. */
#include "base/fdmsg.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
    char buf[CMSG_SPACE(FDMSG_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

ssize_t fdmsg_send(int sock, const struct iovec *iov, int niov, const int *fds, int nfds, int flags)
{
    struct msghdr mh = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)niov};
    union control control = {{0}};

    if (nfds > FDMSG_FDS_MAX)
        return -EINVAL;
    if (nfds > 0) {
        mh.msg_control = control.buf;
        mh.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
        *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int))};
        memcpy(CMSG_DATA(c), fds, (size_t)nfds * sizeof(int));
    }
    ssize_t n = sendmsg(sock, &mh, flags | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

ssize_t fdmsg_receive(int sock, struct iovec *iov, int niov, int *fds, int max, int *nfds,
                      int flags)
{
    union control control;
    struct msghdr mh = {.msg_iov = iov, .msg_iovlen = (size_t)niov, .msg_control = control.buf};

    *nfds = 0;
    if (max > FDMSG_FDS_MAX)
        return -EINVAL;
    mh.msg_controllen = CMSG_LEN((size_t)max * sizeof(int)); /* without room for one more */
    ssize_t n = recvmsg(sock, &mh, flags | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        *nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), (size_t)*nfds * sizeof(int));
    }
    return n;
}
