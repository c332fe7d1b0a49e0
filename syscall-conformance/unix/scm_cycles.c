/* unix(7), SCM_RIGHTS: sockets that only queues of each other refer to are freed, and with them
 * what else lies in those queues, whatever the shape: to themselves, in rings, in listeners, in
 * mixed types. */
#include "unix.h"

static int fds[4];

static void send_fds(int to, const int *list, int n)
{
    char ctl[CMSG_SPACE(4 * sizeof(int))] = "";
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = ctl,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), list, (size_t)n * sizeof(int));
    if (sendmsg(to, &m, MSG_DONTWAIT) != 1)
        _exit(3);
}

/* The pipe's reader sees the end of file when its writer, left in a queue, is collected. */
static void freed(const char *what, int reader)
{
    struct pollfd p = {reader, 0, 0};

    /* Linux collects in a work queue, at the next close. */
    for (int i = 0; i < 2000 && !(p.revents & POLLHUP); i++) {
        close(socket(AF_UNIX, SOCK_STREAM, 0));
        poll(&p, 1, 5);
    }
    ok(p.revents & POLLHUP, "%s", what);
    close(reader);
}

static int weak_end(int *writer)
{
    int p[2];

    if (pipe(p) < 0)
        _exit(2);
    *writer = p[1];
    return p[0];
}

static void to_itself(int type)
{
    int s[2], w, r = weak_end(&w);

    socketpair(AF_UNIX, type, 0, s);
    send_fds(s[0], (int[]){s[0], s[1], w}, 3);
    send_fds(s[1], (int[]){s[0], s[1]}, 2);
    close(s[0]);
    close(s[1]);
    close(w);
    freed("both ends in their own queues", r);
}

static void ring(int type, int n)
{
    int s[8][2], w, r = weak_end(&w);

    for (int i = 0; i < n; i++)
        socketpair(AF_UNIX, i % 2 ? type : SOCK_DGRAM, 0, s[i]);
    for (int i = 0; i < n; i++)
        send_fds(s[i][0], (int[]){s[(i + 1) % n][1], w}, i ? 1 : 2);
    for (int i = 0; i < n; i++) {
        close(s[i][0]);
        close(s[i][1]);
    }
    close(w);
    freed("a ring of sockets", r);
}

/* A listener sent over a connection that it has not accepted. */
static void by_listener(void)
{
    struct sockaddr_un a;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    int w, r = weak_end(&w);
    const char *name = own_name("cycle");
    socklen_t len = make_addr(&a, name);

    if (bind(l, (void *)&a, len) || listen(l, 4) || connect(c, (void *)&a, len))
        _exit(4);
    send_fds(c, (int[]){l, c, w}, 3);
    close(l);
    close(c);
    close(w);
    freed("a listener in the queue of a connection that waits for it", r);
}

static void kept(void)
{
    int s[2], t[2], w, r = weak_end(&w);
    struct pollfd p = {r, 0, 0};

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    socketpair(AF_UNIX, SOCK_STREAM, 0, t);
    send_fds(s[0], (int[]){s[0], s[1], w}, 3);
    send_fds(t[0], (int[]){s[1]}, 1); /* and one way to it is left */
    close(s[0]);
    close(s[1]);
    close(w);
    close(socket(AF_UNIX, SOCK_STREAM, 0));
    ok(poll(&p, 1, 50) == 0, "what can still be received is kept");
    close(t[0]);
    close(t[1]);
    freed("until the last way to it is gone", r);
}

int main(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 3; i++) {
        to_itself(types[i]);
        ring(types[i], 2);
        ring(types[i], 7);
    }
    by_listener();
    kept();
    /* As many as would not fit if they stayed. */
    for (int i = 0; i < 3000; i++) {
        socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, fds);
        send_fds(fds[0], fds, 2);
        send_fds(fds[1], fds, 2);
        close(fds[0]);
        close(fds[1]);
    }
    int w, r = weak_end(&w);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    send_fds(fds[0], (int[]){fds[0], fds[1], w}, 3);
    close(fds[0]);
    close(fds[1]);
    close(w);
    freed("after thousands of others", r);
    done();
}
