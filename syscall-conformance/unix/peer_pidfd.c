/* SO_PEERPIDFD, SCM_PIDFD: the process that connected or sent, also when it has gone. unix(7). */
#include "../tmp.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#define SCM_PIDFD_ 4

/* The pid that fdinfo tells, -1: it has gone; 0: no such descriptor. */
static int pid_of(int fd)
{
    char name[64], line[128];
    int pid = 0;

    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "Pid: %d", &pid);
    if (f)
        fclose(f);
    return pid;
}

static int peer(int s)
{
    socklen_t len = sizeof(int);
    int fd = -1;

    return getsockopt(s, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) ? -errno : fd;
}

static short events(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 0) < 0 ? 0 : p.revents;
}

static void connected(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
    int hold[2];
    char c;

    must(pipe(hold));
    int l = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));
    must(bind(l, (struct sockaddr *)&a, sizeof(a)));
    must(listen(l, 1));
    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        close(hold[1]);
        if (connect(s, (struct sockaddr *)&a, sizeof(a)))
            _exit(1);
        _exit((int)read(hold[0], &c, 1));
    }
    int s = (int)must(accept(l, NULL, NULL));
    int before = peer(s);
    is_eq(pid_of(before) == pid, 1);
    is_eq(fcntl(before, F_GETFD), FD_CLOEXEC);
    is_eq(events(before), 0);
    close(hold[1]);
    must(waitpid(pid, NULL, 0));
    int after = peer(s);
    is_eq(pid_of(after), -1);
    is_eq(events(before), POLLIN | POLLHUP);
    is_eq(events(after), POLLIN | POLLHUP);
    is_eq(pid_of(peer(l)) == getpid(), 1);
    close(s);
    s = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));
    is_eq(peer(s), -ENODATA);
}

static void sent(void)
{
    int sv[2], on = 1, got[2] = {-1, -1};

    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
    must(setsockopt(sv[0], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)));
    pid_t pid = (pid_t)must(fork());
    if (!pid)
        _exit(send(sv[1], "xy", 2, 0) != 2 || send(sv[1], "z", 1, 0) != 1);
    must(waitpid(pid, NULL, 0));
    for (int i = 0; i < 2; i++) {
        char buf[8], ctl[CMSG_SPACE(sizeof(int))];
        struct iovec v = {buf, sizeof(buf)};
        struct msghdr m = {
            .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
        must(recvmsg(sv[0], &m, 0));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        ok(h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_PIDFD_, "a descriptor");
        if (h)
            memcpy(&got[i], CMSG_DATA(h), sizeof(int));
        is_eq(pid_of(got[i]), -1);
        is_eq(events(got[i]), POLLIN | POLLHUP);
    }
    struct stat a, b;
    ok(!fstat(got[0], &a) && !fstat(got[1], &b) && a.st_ino == b.st_ino, "one process");
}

int main(void)
{
    tmp_enter();
    connected();
    sent();
    done();
}
