/* recv(2): MSG_PEEK does not consume, MSG_TRUNC gives the real length of a datagram, MSG_WAITALL
 * waits for all bytes, MSG_DONTWAIT does not wait at all. */
#include "unix.h"

int main(void)
{
    int s[2], d[2];
    char buf[64];
    struct iovec iov = {buf, 3};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, d) < 0)
        return 1;
    is_errno(recv(s[0], buf, 1, MSG_DONTWAIT), EAGAIN);
    is_errno(recv(d[0], buf, 1, MSG_DONTWAIT), EAGAIN);
    is_eq(write(s[1], "stream", 6), 6);
    is_eq(recv(s[0], buf, 64, MSG_PEEK), 6);
    is_eq(recv(s[0], buf, 2, MSG_PEEK), 2);
    is_eq(recv(s[0], buf, 3, 0), 3);
    is_eq(recv(s[0], buf, 64, MSG_PEEK), 3);
    ok(!memcmp(buf, "eam", 3), "the rest is still there");
    is_eq(recv(s[0], buf, 64, 0), 3);

    is_eq(write(d[1], "datagram", 8), 8);
    is_eq(write(d[1], "second", 6), 6);
    is_eq(recv(d[0], buf, 4, MSG_PEEK), 4);
    is_eq(recv(d[0], buf, 4, MSG_PEEK | MSG_TRUNC), 8);
    is_eq(recv(d[0], NULL, 0, MSG_PEEK | MSG_TRUNC), 8);
    is_eq(recvmsg(d[0], &m, 0), 3);
    is_eq(m.msg_flags, MSG_TRUNC);
    iov.iov_len = 64;
    is_eq(recvmsg(d[0], &m, MSG_TRUNC), 6);
    is_eq(m.msg_flags, 0);

    /* MSG_WAITALL: more than one write; a signal or the end stops it short. */
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        check(write(s[1], "ab", 2) == 2, 1);
        nap_ms(20);
        check(await_state(parent, 'S'), 2);
        check(write(s[1], "cd", 2) == 2, 3);
        _exit(0);
    }
    is_eq(recv(s[0], buf, 4, MSG_WAITALL), 4);
    waitpid(pid, NULL, 0);
    install(SIGUSR1, record, 0);
    is_eq(write(s[1], "xy", 2), 2);
    pid = start_poker(SIGUSR1);
    is_eq(recv(s[0], buf, 4, MSG_WAITALL), 2);
    stop_poker(pid);
    is_eq(write(s[1], "z", 1), 1);
    close(s[1]);
    is_eq(recv(s[0], buf, 4, MSG_WAITALL), 1);

    /* SO_PEEK_OFF moves on with each peek. */
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    int off = 1;
    is_eq(int_opt(s[0], SO_PEEK_OFF), -1);
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)), 0);
    is_eq(write(s[1], "012345", 6), 6);
    is_eq(recv(s[0], buf, 2, MSG_PEEK) == 2 && !memcmp(buf, "12", 2), 1);
    is_eq(recv(s[0], buf, 2, MSG_PEEK) == 2 && !memcmp(buf, "34", 2), 1);
    is_eq(int_opt(s[0], SO_PEEK_OFF), 5);
    is_eq(recv(s[0], buf, 2, 0) == 2 && !memcmp(buf, "01", 2), 1);
    is_eq(int_opt(s[0], SO_PEEK_OFF), 3);
    done();
}
