/* sendmsg(2), recvmsg(2): malformed control messages are EINVAL, too many descriptors are EINVAL,
 * bad pointers EFAULT, too many buffers EMSGSIZE. */
#include "unix.h"

static int s[2];

static long send_ctl(const void *ctl, size_t len)
{
    struct iovec iov = {"x", 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = (void *)ctl, .msg_controllen = len};

    return sendmsg(s[0], &m, MSG_DONTWAIT);
}

int main(void)
{
    static union {
        struct cmsghdr h;
        char b[CMSG_SPACE(254 * sizeof(int))];
    } u;
    struct iovec iov = {"x", 1}, bad = {BAD_PTR, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    u.h = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    is_errno(send_ctl(BAD_PTR, CMSG_SPACE(4)), EFAULT);
    u.h.cmsg_len = sizeof(u.h) - 1;
    is_errno(send_ctl(&u, CMSG_SPACE(4)), EINVAL);
    u.h.cmsg_len = CMSG_LEN(100);
    is_errno(send_ctl(&u, CMSG_SPACE(4)), EINVAL);
    u.h.cmsg_len = CMSG_LEN(4);
    u.h.cmsg_type = 77;
    is_errno(send_ctl(&u, CMSG_SPACE(4)), EINVAL);
    u.h.cmsg_type = SCM_RIGHTS;
    u.h.cmsg_level = 6 /* IPPROTO_TCP */;
    is_eq(send_ctl(&u, CMSG_SPACE(4)), 1); /* other levels are not looked at */
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_len = CMSG_LEN(254 * sizeof(int));
    is_errno(send_ctl(&u, sizeof(u)), EINVAL);
    u.h.cmsg_len = CMSG_LEN(253 * sizeof(int));
    is_eq(send_ctl(&u, CMSG_SPACE(253 * sizeof(int))), 1); /* 253 times descriptor 0 */
    is_errno(sendmsg(s[0], BAD_PTR, 0), EFAULT);
    m.msg_iov = &bad;
    is_errno(sendmsg(s[0], &m, 0), EFAULT);
    m.msg_iov = BAD_PTR;
    is_errno(sendmsg(s[0], &m, 0), EFAULT);
    m.msg_iov = &iov;
    m.msg_iovlen = 1025;
    is_errno(sendmsg(s[0], &m, 0), EMSGSIZE);
    is_errno(recvmsg(s[1], &m, 0), EMSGSIZE);
    is_errno(recvmsg(s[1], BAD_PTR, 0), EFAULT);
    m.msg_iovlen = 1;
    m.msg_namelen = (socklen_t)-1;
    m.msg_name = &u;
    is_errno(sendmsg(s[0], &m, 0), EINVAL);
    is_errno(recvmsg(s[1], &m, 0), EINVAL);
    m.msg_name = NULL;
    is_eq(sendmsg(s[0], &m, 0), 1);
    struct sockaddr_un a;
    socklen_t len = make_addr(&a, "@x");
    is_errno(sendto(s[0], "x", 1, 0, (void *)&a, len), EISCONN);
    done();
}
