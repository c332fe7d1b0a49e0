/* The sockets of ipc.c: of the unix domain, and netlink. */
#include "ipc.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* --- unix sockets --- */
static int stream[2], dgram[2], seq[2], listener, pending, named, abstract;
static struct sockaddr_un hidden = {.sun_family = AF_UNIX, .sun_path = "\0hidden"};
#define HIDDEN_LEN (offsetof(struct sockaddr_un, sun_path) + 7)

static int send_fds(int to, const char *text, const int *fds, int n)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec iov = {(void *)text, strlen(text)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);

    *c = (struct cmsghdr){CMSG_LEN((size_t)n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    return sendmsg(to, &h, 0) == (ssize_t)strlen(text) ? 0 : -1;
}

/* Receives a message with n descriptors. */
static int recv_fds(int from, const char *text, int *fds, int n, struct ucred *cred)
{
    char control[256], buf[256];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};

    ssize_t len = recvmsg(from, &h, MSG_DONTWAIT);
    if (len != (ssize_t)strlen(text) || memcmp(buf, text, (size_t)len))
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN((size_t)n * sizeof(int))) {
            memcpy(fds, CMSG_DATA(c), (size_t)n * sizeof(int));
            n = 0;
        } else if (c->cmsg_type == SCM_CREDENTIALS && cred) {
            memcpy(cred, CMSG_DATA(c), sizeof(*cred));
            cred = NULL;
        }
    }
    return n || cred ? -1 : 0;
}

static int bound(int type, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    expect(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
    return fd;
}

static int connected(int type, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    expect(!connect(fd, (struct sockaddr *)&a, sizeof(a)));
    return fd;
}

static void cycle_make(void)
{
    int a[2], b[2];

    expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, a) && !socketpair(AF_UNIX, SOCK_DGRAM, 0, b));
    expect(!send_fds(a[0], "cycle", (int[]){a[1], b[1]}, 2));
    expect(!send_fds(b[0], "cycle", (int[]){a[1], a[0]}, 2));
    close(a[0]);
    close(a[1]);
    close(b[0]);
    close(b[1]);
}

void unix_make(void)
{
    struct timeval tv = {.tv_usec = 250000};
    int on = 1, size = 50000, inner[2];

    expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
    expect(!setsockopt(stream[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
    expect(!setsockopt(stream[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    expect(!pipe(inner) && writes(inner[1], "in flight"));
    expect(writes(stream[0], "plain") && !send_fds(stream[0], "files", inner, 2));
    expect(writes(stream[0], "after"));
    close(inner[0]);
    close(inner[1]);
    expect(!socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram));
    expect(!setsockopt(dgram[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    expect(writes(dgram[0], "d1") && writes(dgram[0], "") && writes(dgram[0], "d333"));
    expect(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq));
    expect(writes(seq[0], "s1") && writes(seq[0], "s22") && !shutdown(seq[0], SHUT_WR));
    listener = bound(SOCK_STREAM, "/tmp/listener");
    expect(!listen(listener, 5));
    pending = connected(SOCK_STREAM, "/tmp/listener");
    expect(writes(pending, "hello"));
    named = bound(SOCK_DGRAM, "/tmp/named");
    abstract = socket(AF_UNIX, SOCK_STREAM, 0);
    expect(!bind(abstract, (struct sockaddr *)&hidden, HIDDEN_LEN) && !listen(abstract, 1));
    cycle_make();
}

void unix_check(void)
{
    int fds[2], size = 0;
    socklen_t len = sizeof(size);
    struct ucred cred;
    char buf[64];

    expect(read(stream[1], buf, 5) == 5 && !memcmp(buf, "plain", 5));
    expect(!recv_fds(stream[1], "files", fds, 2, NULL) && reads(fds[0], "in flight"));
    expect(reads(stream[1], "after"));
    expect(!getsockopt(stream[1], SOL_SOCKET, SO_SNDBUF, &size, &len) && size == 100000);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    expect(read(stream[1], buf, 1) == -1 && errno == EAGAIN);
    expect(now_ns(CLOCK_MONOTONIC) - start > 240000000);
    expect(writes(stream[1], "back") && reads(stream[0], "back"));
    expect(!recv_fds(dgram[1], "d1", NULL, 0, &cred) && cred.pid == getpid());
    expect(!recv_fds(dgram[1], "", NULL, 0, &cred) && !recv_fds(dgram[1], "d333", NULL, 0, &cred));
    expect(reads(seq[1], "s1") && reads(seq[1], "s22") && reads(seq[1], ""));
    expect(write(seq[0], "x", 1) == -1 && errno == EPIPE && writes(seq[1], "way back"));
    expect(reads(seq[0], "way back"));
    int conn = accept(listener, NULL, NULL);
    expect(conn >= 0 && reads(conn, "hello") && writes(conn, "there") && reads(pending, "there"));
    len = sizeof(cred);
    expect(!getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len) && cred.pid == getpid());
    int late = connected(SOCK_STREAM, "/tmp/listener");
    expect(accept(listener, NULL, NULL) >= 0 && late >= 0);
    int sender = connected(SOCK_DGRAM, "/tmp/named");
    expect(writes(sender, "by name") && reads(named, "by name"));
    int finder = socket(AF_UNIX, SOCK_STREAM, 0);
    expect(!connect(finder, (struct sockaddr *)&hidden, HIDDEN_LEN));
    expect(accept(abstract, NULL, NULL) >= 0);
    close(pending);
    expect(reads(conn, ""));
}

/* --- netlink --- */
static int netlink;

void netlink_make(void)
{
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } req = {.h = {.nlmsg_len = sizeof(req),
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = 77}};

    netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    expect(netlink >= 0 && send(netlink, &req, sizeof(req), 0) == sizeof(req));
}

void netlink_check(void)
{
    struct sockaddr_nl a;
    socklen_t len = sizeof(a);
    union {
        struct nlmsghdr h;
        char bytes[8192];
    } u;

    expect(recv(netlink, &u, sizeof(u), MSG_DONTWAIT) > 0 && u.h.nlmsg_seq == 77);
    expect(!getsockname(netlink, (struct sockaddr *)&a, &len) && a.nl_pid == (uint32_t)getpid());
}
