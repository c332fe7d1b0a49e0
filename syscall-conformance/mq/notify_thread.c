/* mq_notify(3) with SIGEV_THREAD: the C library is told through a netlink socket. */
#include "mq.h"
#include <linux/netlink.h>
#include <sys/socket.h>

static int pipefd[2];

static void function(union sigval v)
{
    char c = (char)v.sival_int;

    must(write(pipefd[1], &c, 1));
}

int main(void)
{
    mqd_t q = mq_new(4, 8, 0);
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = function};
    struct {
        void *cookie;
        int fd, how;
    } raw;
    char c = 0, cookie[32] = "cookie", buf[64];

    must(pipe(pipefd));
    ev.sigev_value.sival_int = 42;
    is_eq(mq_notify(q, &ev), 0);
    is_eq(mq_send(q, "a", 1, 0), 0);
    is_eq(read(pipefd[0], &c, 1), 1);
    is_eq(c, 42);
    must(mq_receive(q, buf, 8, NULL));
    int nl = (int)must(socket(AF_NETLINK, SOCK_RAW, 0));
    char whole[64] = {0};
    raw.cookie = cookie, raw.fd = nl, raw.how = SIGEV_THREAD;
    memcpy(whole, &raw, sizeof(raw));
    is_eq(syscall(SYS_mq_notify, q, whole), 0);
    is_eq(recv(nl, buf, sizeof(buf), MSG_DONTWAIT), -1);
    is_eq(mq_notify(q, NULL), 0);
    is_eq(recv(nl, buf, sizeof(buf), MSG_DONTWAIT), 32);
    ok(!strcmp(buf, "cookie") && buf[31] == 2, "told that it was removed");
    is_eq(syscall(SYS_mq_notify, q, whole), 0);
    must(mq_send(q, "b", 1, 0));
    is_eq(recv(nl, buf, sizeof(buf), MSG_DONTWAIT), 32);
    ok(!strcmp(buf, "cookie") && buf[31] == 1, "told of a message");
    raw.fd = pipefd[0];
    memcpy(whole, &raw, sizeof(raw));
    is_errno(syscall(SYS_mq_notify, q, whole), ENOTSOCK);
    raw.fd = -1;
    memcpy(whole, &raw, sizeof(raw));
    is_errno(syscall(SYS_mq_notify, q, whole), EBADF);
    raw.fd = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));
    memcpy(whole, &raw, sizeof(raw));
    is_errno(syscall(SYS_mq_notify, q, whole), EINVAL);
    raw.cookie = BAD_PTR;
    memcpy(whole, &raw, sizeof(raw));
    is_errno(syscall(SYS_mq_notify, q, whole), EFAULT);
    done();
}
