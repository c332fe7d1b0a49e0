/* unix(7): long sequences of sends, receives, peeks, urgent bytes, descriptors, options, shutdowns
 * and polls on pairs of sockets. Nothing is asserted but that each step answers as on the host. */
#include "unix.h"
#include <linux/sockios.h>

#define STEPS 600
#define ROUNDS 12
#define PER_LINE 5

static uint32_t seed;

static unsigned int pick(unsigned int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static int s[2];
static int urgent_sent;
static char line[4096]; /* of PER_LINE steps */
static unsigned char next_byte;

static void say(const char *fmt, ...)
{
    size_t at = strlen(line);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line + at, sizeof(line) - at, fmt, ap);
    va_end(ap);
}

static void say_result(long r)
{
    if (r < 0)
        say(" = %s", strerrorname_np(errno));
    else
        say(" = %ld", r);
}

static void say_flags(int flags)
{
    static const struct {
        int bit;
        const char *name;
    } names[] = {{MSG_OOB, "OOB"},       {MSG_PEEK, "PEEK"}, {MSG_TRUNC, "TRUNC"},
                 {MSG_CTRUNC, "CTRUNC"}, {MSG_EOR, "EOR"},   {MSG_WAITALL, "WAITALL"},
                 {MSG_ERRQUEUE, "ERRQ"}, {MSG_MORE, "MORE"}, {MSG_CMSG_CLOEXEC, "CLOEXEC"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (flags & names[i].bit)
            say("|%s", names[i].name);
}

static void do_send(int fd)
{
    char data[64], ctl[CMSG_SPACE(3 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))] = "";
    unsigned int len = pick(3) ? pick(5) : pick(64);
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (pick(3) ? 0 : MSG_OOB) | (pick(12) ? 0 : MSG_MORE) |
                (pick(12) ? 0 : MSG_EOR);
    struct iovec iov = {data, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t used = 0;

    for (unsigned int i = 0; i < len; i++)
        data[i] = (char)('a' + next_byte++ % 26);
    say("send %d %u", fd == s[1], len);
    say_flags(flags);
    urgent_sent |= flags & MSG_OOB;
    m.msg_control = ctl;
    m.msg_controllen = sizeof(ctl);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (!pick(6)) {
        unsigned int n = 1 + pick(3);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        for (unsigned int i = 0; i < n; i++)
            ((int *)CMSG_DATA(c))[i] = 0;
        used += CMSG_SPACE(n * sizeof(int));
        c = (void *)(ctl + used);
        say(" fds %u", n);
    }
    if (!pick(8)) {
        struct ucred u = {getpid(), pick(3), pick(2)};
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_CREDENTIALS;
        c->cmsg_len = CMSG_LEN(sizeof(u));
        memcpy(CMSG_DATA(c), &u, sizeof(u));
        used += CMSG_SPACE(sizeof(u));
        say(" cred %u", u.uid * 10 + u.gid);
    }
    m.msg_controllen = used;
    say_result(sendmsg(fd, &m, flags));
}

static void say_control(struct msghdr *m)
{
    struct cmsghdr *c;

    for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        size_t len = c->cmsg_len - CMSG_LEN(0);
        if (c->cmsg_type == SCM_RIGHTS) {
            say(" fds %zu", len / sizeof(int));
            for (size_t i = 0; i < len / sizeof(int); i++)
                close(((int *)CMSG_DATA(c))[i]);
        } else if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred u = {0};
            memcpy(&u, CMSG_DATA(c), len < sizeof(u) ? len : sizeof(u));
            say(" cred(%zu) %d %d %d", len, u.pid == getpid() ? 1 : u.pid, (int)u.uid, (int)u.gid);
        } else {
            say(" cmsg %d(%zu)", c->cmsg_type, len);
        }
    }
    say(" ctl %zu", m->msg_controllen);
}

static void do_recv(int fd)
{
    char data[65] = "", ctl[256];
    static const unsigned int rooms[] = {256, 256, 256, 0, 16, 20, 24, 32, 40, 48};
    unsigned int len = pick(3) ? pick(5) : pick(64);
    int flags = MSG_DONTWAIT | (pick(3) ? 0 : MSG_OOB) | (pick(3) ? 0 : MSG_PEEK) |
                (pick(8) ? 0 : MSG_TRUNC) | (pick(8) ? 0 : MSG_WAITALL) |
                (pick(20) ? 0 : MSG_ERRQUEUE);
    struct iovec iov = {data, len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = ctl,
                       .msg_controllen = rooms[pick(sizeof(rooms) / sizeof(rooms[0]))]};

    say("recv %d %u room %zu", fd == s[1], len, m.msg_controllen);
    say_flags(flags);
    long r = recvmsg(fd, &m, flags);
    say_result(r);
    if (r < 0)
        return;
    data[(size_t)r < len ? (size_t)r : len] = 0;
    say(" '%s'", data);
    say_flags(m.msg_flags);
    say_control(&m);
}

static void do_option(int fd)
{
    static const struct {
        const char *name;
        int opt;
    } opts[] = {{"OOBINLINE", SO_OOBINLINE},
                {"PEEK_OFF", SO_PEEK_OFF},
                {"PASSCRED", SO_PASSCRED},
                {"RCVLOWAT", SO_RCVLOWAT}};
    unsigned int k = pick(4);
    int v = k == 1 ? (int)pick(6) - 1 : k == 3 ? 1 + (int)pick(4) : (int)pick(2), got = -9;
    socklen_t len = sizeof(got);

    say("set %d %s %d", fd == s[1], opts[k].name, v);
    say_result(setsockopt(fd, SOL_SOCKET, opts[k].opt, &v, sizeof(v)));
    getsockopt(fd, SOL_SOCKET, opts[k].opt, &got, &len);
    say(" is %d", got);
}

static void do_query(int fd)
{
    /* Whether there is room depends on what the kernel's own records weigh. */
    struct pollfd p = {fd, POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP | POLLMSG, 0};
    int v = -1;
    long r = ioctl(fd, SIOCATMARK, &v);

    say("ask %d mark", fd == s[1]);
    say_result(r);
    say(" %d inq", r ? 0 : v);
    r = ioctl(fd, SIOCINQ, &v);
    say_result(r);
    /* Linux 6.18 goes on counting an urgent byte that was skipped. */
    say(" %d poll", r || urgent_sent ? 0 : v);
    poll(&p, 1, 0);
    say(" %#x", (unsigned int)p.revents);
    socklen_t len = sizeof(v);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len);
    say(" error %d", v);
}

static void step(int k, int rare)
{
    int fd = s[pick(4) == 0];
    unsigned int what = pick(40);

    if (k % PER_LINE)
        say("; ");
    else
        line[0] = 0;
    if (what < 13) {
        do_send(fd == s[0] ? s[1] : s[0]);
    } else if (what < 27) {
        do_recv(fd);
    } else if (what < 30) {
        do_option(fd);
    } else if (what < 39 || !rare) {
        do_query(fd);
    } else {
        int how = (int)pick(3);
        say("shutdown %d %d", fd == s[1], how);
        say_result(shutdown(fd, how));
    }
    if (k % PER_LINE == PER_LINE - 1)
        ok(1, "%s", line);
}

static void run(const char *name, int type)
{
    printf("# program %s\n", name);
    tap_count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        seed = (uint32_t)(type * 1000 + i);
        next_byte = 0;
        urgent_sent = 0;
        if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s) < 0)
            exit(2);
        for (int k = 0; k < STEPS; k++)
            step(k, i >= ROUNDS / 2 && k > STEPS / 2);
        close(s[1]);
        for (int k = 0; k < 10; k++) {
            line[0] = 0;
            s[1] = -1;
            pick(2) ? do_recv(s[0]) : do_query(s[0]);
            ok(1, "closed: %s", line);
        }
        close(s[0]);
    }
    printf("1..%d\n", tap_count);
}

int main(void)
{
    signal(SIGURG, SIG_IGN);
    run("stream", SOCK_STREAM);
    run("dgram", SOCK_DGRAM);
    run("seqpacket", SOCK_SEQPACKET);
    return 0;
}
