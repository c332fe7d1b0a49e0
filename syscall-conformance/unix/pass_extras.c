/* unix(7), socket(7): SO_PASSPIDFD and SO_PEERPIDFD give pidfds of the other side, SO_PEERGROUPS
 * its groups, SO_TIMESTAMP the time of a message; SO_PASSRIGHTS off refuses descriptors. */
#include "unix.h"
#include <sys/time.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#define PASSRIGHTS 83
#define PIDFD_CMSG 4

static int s[2], one = 1, zero;

/* The control message of this type, copied to data: its length, or -1. */
static long control(int fd, int type, void *data, size_t room)
{
    char buf[16], ctl[256];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};

    if (recvmsg(fd, &m, MSG_DONTWAIT) < 0)
        return -2;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == type) {
            size_t len = c->cmsg_len - CMSG_LEN(0);
            memcpy(data, CMSG_DATA(c), len < room ? len : room);
            return (long)len;
        }
    return -1;
}

static void pidfds(int type)
{
    int fd = -1, status;
    socklen_t len = sizeof(fd);

    socketpair(AF_UNIX, type, 0, s);
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one)), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        check(write(s[1], "x", 1) == 1, 1);
        _exit(read(s[1], &c, 1) == 1 ? 7 : 2);
    }
    struct pollfd p = {s[0], POLLIN, 0};
    poll(&p, 1, -1);
    is_eq(control(s[0], PIDFD_CMSG, &fd, sizeof(fd)), sizeof(int));
    ok(fd >= 0, "a descriptor");
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(events(fd), 0);
    is_eq(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
    is_eq(write(s[0], "y", 1), 1);
    siginfo_t info;
    is_eq(waitid(3 /* P_PIDFD */, (id_t)fd, &info, WEXITED), 0);
    status = info.si_status;
    is_eq(status, 7);
    is_eq(info.si_pid == pid, 1);
    close(fd);
    is_eq(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len), 0);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
    close(fd);
    close(s[0]);
    close(s[1]);
}

static void groups_child(void)
{
    gid_t want[3] = {7, 11, 13}, got[8];
    socklen_t len = sizeof(got);

    if (geteuid())
        return;
    check(setgroups(3, want) == 0, 1);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, 2);
    check(setgroups(0, NULL) == 0, 3);
    check(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, got, &len) == 0, 4);
    check(len == sizeof(want) && !memcmp(got, want, sizeof(want)), 5);
    len = 4;
    check(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, got, &len) < 0 && errno == ERANGE, 6);
    check(len == sizeof(want), 7);
}

static void stamps(void)
{
    struct timespec now, at = {0};
    struct timeval tv = {0};

    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)), 0);
    clock_gettime(CLOCK_REALTIME, &now);
    is_eq(write(s[1], "x", 1), 1);
    is_eq(control(s[0], SO_TIMESTAMP, &tv, sizeof(tv)), sizeof(tv));
    ok(tv.tv_sec - now.tv_sec <= 20 && tv.tv_sec >= now.tv_sec - 1, "the time of the message");
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)), 0);
    is_eq(write(s[1], "x", 1), 1);
    is_eq(control(s[0], SO_TIMESTAMPNS, &at, sizeof(at)), sizeof(at));
    ok(at.tv_sec - now.tv_sec <= 20 && at.tv_sec >= now.tv_sec - 1, "and with nanoseconds");
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_TIMESTAMPNS, &zero, sizeof(zero)), 0);
    is_eq(write(s[1], "x", 1), 1);
    is_eq(control(s[0], SO_TIMESTAMPNS, &at, sizeof(at)), -1);
    close(s[0]);
    close(s[1]);
}

static long send_fd(int fd)
{
    char ctl[CMSG_SPACE(sizeof(int))] = "";
    struct iovec iov = {"x", 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &(int){0}, sizeof(int));
    return sendmsg(fd, &m, 0);
}

int main(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 3; i++)
        pidfds(types[i]);
    is_eq(in_child(groups_child), 0);
    stamps();
    for (int i = 0; i < 3; i++) {
        socketpair(AF_UNIX, types[i], 0, s);
        if (setsockopt(s[0], SOL_SOCKET, PASSRIGHTS, &zero, sizeof(zero))) {
            skip("before Linux 6.16");
            skip("before Linux 6.16");
        } else {
            is_errno(send_fd(s[1]), EPERM);
            setsockopt(s[0], SOL_SOCKET, PASSRIGHTS, &one, sizeof(one));
            is_eq(send_fd(s[1]), 1);
        }
        close(s[0]);
        close(s[1]);
    }
    done();
}
