/* unix(7) SCM_RIGHTS: descriptors travel with the first byte; the receiver gets new ones for the
 * same open files, MSG_CMSG_CLOEXEC sets close-on-exec, what does not fit is closed (MSG_CTRUNC).
 */
#include "unix.h"

static int s[2];

static long send_fds(const char *data, const int *fds, int n)
{
    char ctl[CMSG_SPACE(4 * sizeof(int))] = "";
    struct iovec iov = {(void *)data, strlen(data)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = ctl,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    return sendmsg(s[0], &m, 0);
}

static int got[8], ngot, mflags;

static long recv_fds(size_t size, size_t room, int flags)
{
    static char buf[64];
    char ctl[256];
    struct iovec iov = {buf, size};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room};
    long n = recvmsg(s[1], &m, flags);

    mflags = m.msg_flags;
    ngot = 0;
    struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        ngot = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(got, CMSG_DATA(c), (size_t)ngot * sizeof(int));
    }
    return n;
}

int main(void)
{
    enter_scratch();
    put_file("f", "hello", 5, 0600);
    int fd = open("f", O_RDONLY), fds[4];
    char c;
    const size_t room = CMSG_SPACE(4 * sizeof(int));

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    fds[0] = fds[1] = fd;
    is_eq(send_fds("ab", fds, 2), 2);
    is_eq(recv_fds(1, room, 0), 1);
    is_eq(ngot, 2);
    is_eq(mflags & MSG_CTRUNC, 0);
    ok(got[0] != fd && got[1] != got[0], "new descriptors");
    is_eq(fcntl(got[0], F_GETFD), 0);
    is_eq(read(got[0], &c, 1), 1);
    is_eq(lseek(fd, 0, SEEK_CUR), 1);
    close(got[0]);
    close(got[1]);
    is_eq(recv_fds(1, room, 0), 1);
    is_eq(ngot, 0);

    is_eq(send_fds("c", fds, 1), 1);
    is_eq(recv_fds(1, room, MSG_CMSG_CLOEXEC), 1);
    is_eq(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    close(got[0]);
    int next = dup(0);
    close(next);

    /* Room for one of three. */
    fds[2] = fd;
    is_eq(send_fds("d", fds, 3), 1);
    is_eq(recv_fds(1, CMSG_LEN(sizeof(int)), 0), 1);
    is_eq(ngot, 1);
    is_eq(mflags & MSG_CTRUNC, MSG_CTRUNC);
    is_eq(got[0], next);
    close(got[0]);
    is_eq(send_fds("e", fds, 1), 1);
    is_eq(recv_fds(1, 0, 0), 1);
    is_eq(mflags & MSG_CTRUNC, MSG_CTRUNC);
    is_eq(dup(0), next);
    close(next);

    /* One read does not join bytes with different descriptors. */
    is_eq(send_fds("fg", fds, 1), 2);
    is_eq(write(s[0], "h", 1), 1);
    is_eq(recv_fds(64, room, 0), 2);
    is_eq(ngot, 1);
    close(got[0]);
    is_eq(recv_fds(64, room, 0), 1);

    /* MSG_PEEK gives them as well, each time anew. */
    is_eq(send_fds("i", fds, 1), 1);
    is_eq(recv_fds(1, room, MSG_PEEK), 1);
    is_eq(ngot, 1);
    close(got[0]);
    is_eq(recv_fds(1, room, 0), 1);
    is_eq(ngot, 1);
    close(got[0]);

    fds[0] = 99;
    is_errno(send_fds("x", fds, 1), EBADF);
    fds[0] = open("f", O_PATH);
    is_eq(send_fds("x", fds, 1), 1); /* O_PATH may travel */
    is_eq(recv_fds(1, room, 0), 1);
    is_errno(read(got[0], &c, 1), EBADF);
    close(got[0]);
    close(fds[0]);
    /* A plain read drops them. */
    fds[0] = fd;
    close(next);
    is_eq(send_fds("j", fds, 1), 1);
    is_eq(read(s[1], &c, 1), 1);
    is_eq(dup(0), next);

    /* In flight they keep the file open. */
    int p[2];
    if (pipe(p) < 0)
        return 1;
    is_eq(send_fds("k", &p[1], 1), 1);
    close(p[1]);
    is_eq(events(p[0]), 0);
    close(s[0]);
    close(s[1]);
    is_eq(events(p[0]), POLLHUP);
    done();
}
