/* Host calls in a tracee, and the descriptors they need: SCM_RIGHTS over one shared socket. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "platform/ptrace/tracee.h"
#include "platform/trap/layout.h"

int fd_channel[2] = {-1, -1};

/* What recvmsg needs, in the scratch page of the tracee. */
struct receive {
    struct msghdr m;
    struct iovec iov;
    char byte;
    union {
        struct cmsghdr h;
        char buf[CMSG_SPACE(sizeof(int))];
    } ctl;
};

static int send_fd(int fd)
{
    char byte = 0;
    struct iovec iov = {&byte, 1};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } c = {0};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof(c.buf)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof(fd));
    return sendmsg(fd_channel[0], &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/*
 * What a tracee did not take must not be there for the next one: its other threads can spoil the
 * message header in the scratch page before the call reads it.
 */
static void take_back(void)
{
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    while (recvmsg(fd_channel[1], &m, MSG_DONTWAIT) >= 0)
        ;
}

static int pass_fd(struct gthread *t, int fd)
{
    const uint64_t at = STUB_SCRATCH;
    struct receive r = {0};

    r.m.msg_iov = (void *)(at + offsetof(struct receive, iov));
    r.m.msg_iovlen = 1;
    r.m.msg_control = (void *)(at + offsetof(struct receive, ctl));
    r.m.msg_controllen = sizeof(r.ctl);
    r.iov.iov_base = (void *)(at + offsetof(struct receive, byte));
    r.iov.iov_len = 1;
    if (space_write(t->as, at, &r, sizeof(r)) != sizeof(r))
        return -EFAULT;
    int err = send_fd(fd);
    if (err)
        return err;
    int64_t n = tracee_inject4(t, SYS_recvmsg, STUB_FD_CTL, at, 0, 0);
    if (n != 1) {
        take_back();
        return n < 0 ? (int)n : -EPROTO;
    }
    if (space_read(t->as, &r, at, sizeof(r)) != sizeof(r))
        return -EFAULT;
    int got;
    memcpy(&got, r.ctl.buf + sizeof(struct cmsghdr), sizeof(got));
    return got;
}

/* Descriptors that the tracee has been given for a batch. */
struct passed {
    int n;
    struct {
        int fd, there;
    } at[16];
};

static void take_all_back(struct gthread *t, struct passed *p)
{
    for (int i = 0; i < p->n; i++)
        tracee_inject4(t, SYS_close, (unsigned long)p->at[i].there, 0, 0, 0);
    p->n = 0;
}

static int pass_once(struct gthread *t, struct passed *p, int fd)
{
    for (int i = 0; i < p->n; i++)
        if (p->at[i].fd == fd)
            return p->at[i].there;
    if (p->n == (int)ARRAY_SIZE(p->at))
        take_all_back(t, p);
    int there = pass_fd(t, fd);
    if (there >= 0) {
        p->at[p->n].fd = fd;
        p->at[p->n++].there = there;
    }
    return there;
}

static int make_call(struct gthread *t, struct passed *p, struct platform_hostcall *call)
{
    unsigned long args[6];

    memcpy(args, call->args, sizeof(args));
    if (call->fd >= 0) {
        int fd = pass_once(t, p, call->fd);
        if (fd < 0)
            return fd;
        args[4] = (unsigned long)fd;
    }
    call->result = tracee_inject(t, call->nr, args, NULL);
    return call->result < 0 && call->result > -4096 ? (int)call->result : 0;
}

int tracee_hostcall(struct gthread *t, struct platform_hostcall *call)
{
    struct passed p = {.n = 0};
    int err = make_call(t, &p, call);

    take_all_back(t, &p);
    return err;
}

int tracee_hostcalls(struct gthread *t, struct platform_hostcall *calls, unsigned int n)
{
    struct passed p = {.n = 0};

    for (unsigned int i = 0; i < n; i++) {
        int err = make_call(t, &p, &calls[i]);
        if (err == -ESRCH)
            return err;
        if (err)
            calls[i].result = err;
    }
    take_all_back(t, &p);
    return 0;
}
