/* unix(7) SO_PEERCRED, SO_PASSCRED, SCM_CREDENTIALS: who connected or listened; who sent each
 * message; only privileged processes may claim to be someone else. */
#include "unix.h"

static int s[2];

static long send_cred(pid_t pid, uid_t uid, gid_t gid)
{
    char ctl[CMSG_SPACE(sizeof(struct ucred))] = "";
    struct iovec iov = {"x", 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    struct ucred u = {pid, uid, gid};

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_CREDENTIALS;
    c->cmsg_len = CMSG_LEN(sizeof(u));
    memcpy(CMSG_DATA(c), &u, sizeof(u));
    return sendmsg(s[0], &m, 0);
}

/* 1 and *u when the message came with credentials. */
static int recv_cred(struct ucred *u)
{
    char ctl[128], b;
    struct iovec iov = {&b, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};

    if (recvmsg(s[1], &m, 0) != 1)
        return -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (!c || c->cmsg_type != SCM_CREDENTIALS || c->cmsg_len != CMSG_LEN(sizeof(*u)))
        return 0;
    memcpy(u, CMSG_DATA(c), sizeof(*u));
    return 1;
}

static void liar(void)
{
    become_nobody();
    check(send_cred(getpid(), geteuid(), getegid()) == 1, 1);
    check(send_cred(getppid(), geteuid(), getegid()) == -1 && errno == EPERM, 2);
    check(send_cred(getpid(), 0, getegid()) == -1 && errno == EPERM, 3);
    check(send_cred(getpid(), geteuid(), 0) == -1 && errno == EPERM, 4);
}

int main(void)
{
    struct ucred u = {0};
    socklen_t len = sizeof(u);
    int one = 1;

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) < 0)
        return 1;
    is_eq(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len), 0);
    ok(u.pid == getpid() && u.uid == geteuid() && u.gid == getegid(), "a pair's peer is itself");
    is_eq(write(s[0], "x", 1), 1);
    is_eq(recv_cred(&u), 0);
    is_eq(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
    is_eq(int_opt(s[1], SO_PASSCRED), 1);
    is_eq(write(s[0], "x", 1), 1);
    is_eq(recv_cred(&u), 1);
    ok(u.pid == getpid() && u.uid == getuid() && u.gid == getgid(), "filled in by the kernel");
    pid_t pid = fork();
    if (pid == 0)
        _exit(write(s[0], "x", 1) != 1);
    waitpid(pid, NULL, 0);
    is_eq(recv_cred(&u), 1);
    ok(u.pid == pid, "the child's pid");
    is_eq(send_cred(getpid(), getuid(), getgid()), 1);
    is_eq(recv_cred(&u), 1);
    if (geteuid() == 0) {
        is_eq(send_cred(getpid(), 4711, 4712), 1);
        is_eq(recv_cred(&u) == 1 && u.uid == 4711 && u.gid == 4712, 1);
        is_errno(send_cred(0x3fffffff, 0, 0), ESRCH);
        ok(exited_with(in_child(liar), 0), "others may not lie");
    } else {
        for (int i = 0; i < 4; i++)
            skip("needs root");
    }

    /* Of a listener: as it was when it listened. */
    const char *name = own_name("l");
    int l = listener(SOCK_STREAM, name, 3), c = socket(AF_UNIX, SOCK_STREAM, 0);
    len = sizeof(u);
    is_eq(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len), 0);
    ok(u.pid == 0 && u.uid == (uid_t)-1 && u.gid == (gid_t)-1, "nobody yet");
    if ((pid = fork()) == 0) {
        become_nobody();
        check(connect_to(c, name) == 0, 1);
        _exit(0);
    }
    int status, conn = accept(l, NULL, NULL);
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &u, &len), 0);
    ok(u.pid == pid && u.uid == (geteuid() ? geteuid() : NOBODY), "the one that connected");
    is_eq(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len), 0);
    ok(u.pid == getpid() && u.uid == geteuid(), "the one that listened");
    done();
}
