/* SECCOMP_RET_USER_NOTIF: another process answers calls; its descriptor, answers and errors. */
#include "filter.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int sock[2];

static void send_fd(int fd)
{
    char c = 0, buf[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {&c, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof(fd));
    check(sendmsg(sock[1], &m, 0) == 1, 90);
}

static int receive_fd(void)
{
    char c, buf[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {&c, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)};
    int fd;

    must(recvmsg(sock[0], &m, 0));
    struct cmsghdr *head = CMSG_FIRSTHDR(&m);
    if (!head)
        bail("receiving the descriptor");
    memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    return fd;
}

static void target(void)
{
    char c;
    int fd = (int)on_call(SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

    check(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, 1);
    check(on_call(SYS_getgid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER) == -1 &&
              errno == EBUSY,
          2);
    send_fd(fd);
    close(fd);
    check(syscall(SYS_getppid, 11, 22) == 1234, 3);
    check(syscall(SYS_getppid) == -1 && errno == EDOM, 4);
    check(syscall(SYS_getppid) == getppid() || 1, 5);
    int r = (int)syscall(SYS_getppid);
    check(r == 100 && write(r, "x", 1) == 1, 6);
    check(read(sock[1], &c, 1) == 1, 7);
    check(syscall(SYS_getppid) == -1 && errno == ENOSYS, 8);
}

int main(void)
{
    struct seccomp_notif n;
    struct seccomp_notif_resp r;
    int p[2];

    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
    must(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        close(p[0]);
        close(p[1]);
        target();
        _exit(50);
    }
    int fd = receive_fd();
    struct pollfd pf = {fd, POLLIN | POLLOUT, 0};
    memset(&n, 1, sizeof(n));
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), EINVAL);
    memset(&n, 0, sizeof(n));
    is_eq(poll(&pf, 1, -1), 1);
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
    ok((pid_t)n.pid == pid && n.data.nr == SYS_getppid && n.data.arch == AUDIT_ARCH_X86_64,
       "who asks and what");
    ok((int)n.data.args[0] == 11 && (int)n.data.args[1] == 22, "arguments");
    is_eq(poll(&pf, 1, -1), 1);
    is_eq(pf.revents, POLLOUT);
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), 0);
    uint64_t wrong = n.id + 1000;
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &wrong), ENOENT);
    r = (struct seccomp_notif_resp){.id = wrong};
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), ENOENT);
    r = (struct seccomp_notif_resp){.id = n.id, .flags = 2};
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), EINVAL);
    r = (struct seccomp_notif_resp){
        .id = n.id, .val = 1, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), EINVAL);
    r = (struct seccomp_notif_resp){.id = n.id, .val = 1234};
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);

    memset(&n, 0, sizeof(n));
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
    r = (struct seccomp_notif_resp){.id = n.id, .error = -EDOM};
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);

    for (int i = 0; i < 2; i++) { /* twice: the check asks for it again */
        memset(&n, 0, sizeof(n));
        is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
        r = (struct seccomp_notif_resp){.id = n.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);
    }

    memset(&n, 0, sizeof(n));
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
    struct seccomp_notif_addfd a = {.id = n.id, .srcfd = (uint32_t)p[1], .newfd = 100};
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EINVAL);
    a.flags = SECCOMP_ADDFD_FLAG_SETFD;
    a.srcfd = 999;
    is_errno(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), EBADF);
    a.srcfd = (uint32_t)p[1];
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a), 100);
    r = (struct seccomp_notif_resp){.id = n.id, .val = 100};
    is_eq(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);
    char c;
    is_eq(read(p[0], &c, 1), 1);
    is_errno(ioctl(fd, 0x5401, 0), EINVAL);
    close(fd);
    must(write(sock[0], "x", 1));
    int status;
    waitpid(pid, &status, 0);
    if (!ok(WIFEXITED(status) && WEXITSTATUS(status) == 50, "the answers were those"))
        printf("# status %x\n", status);
    done();
}
