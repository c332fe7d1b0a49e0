/* epoll(7): long sequences of epoll_ctl, epoll_wait and reads and writes over pipes, eventfds,
 * sockets and sets in sets, with all flags. Nothing is asserted but that each step answers as on
 * the host, in the same order. */
#include "../tmp.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define STEPS 500
#define ROUNDS 10
#define PER_LINE 5
#define FDS 12
#define SETS 4

static uint32_t seed;
static int
    fds[FDS]; /* pipe r, w, pipe r, w, eventfd, stream a, b, dgram a, b; the last ones closed */
static int sets[SETS];
static char line[4096]; /* of PER_LINE steps */

static unsigned int pick(unsigned int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

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

static int some_fd(unsigned int *number)
{
    *number = pick(FDS + SETS);
    return *number < FDS ? fds[*number] : sets[*number - FDS];
}

static uint32_t some_events(void)
{
    static const uint32_t bits[] = {EPOLLIN,     EPOLLOUT,    EPOLLRDHUP,    EPOLLPRI, EPOLLERR,
                                    EPOLLHUP,    EPOLLET,     EPOLLONESHOT,  EPOLLET,  EPOLLIN,
                                    EPOLLRDNORM, EPOLLWRNORM, EPOLLEXCLUSIVE};
    uint32_t e = pick(3) ? EPOLLIN : 0;

    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (!pick(i == 12 ? 12 : 4))
            e |= bits[i];
    return e;
}

static void do_ctl(void)
{
    unsigned int set = pick(SETS), n;
    int fd = some_fd(&n), op = (int)pick(10) < 5 ? EPOLL_CTL_ADD : 2 + (int)pick(2);
    struct epoll_event ev = {.events = some_events(), .data.u64 = n};

    say("ctl %u op %d fd %u events %#x", set, op, n, ev.events);
    say_result(epoll_ctl(sets[set], op, fd, &ev));
}

static void do_wait(void)
{
    struct epoll_event ev[20];
    unsigned int set = pick(SETS);
    int max = pick(3) ? 20 : 1 + (int)pick(3);

    say("wait %u max %d", set, max);
    int n = epoll_wait(sets[set], ev, max, 0);
    say_result(n);
    for (int i = 0; i < n; i++)
        say(" %d:%#x", (int)ev[i].data.u64, ev[i].events);
}

static void do_io(void)
{
    static char data[70000];
    unsigned int n = pick(9);
    size_t len = n < 4 || pick(8) ? 8 : sizeof(data); /* how full a pipe is is counted in pages */

    memset(data, 1, 8);
    if (pick(2)) {
        say("write %u %zu", n, len);
        long r = write(fds[n], data, len);
        say_result(r > 8 ? 9 : r);
    } else {
        say("read %u %zu", n, len);
        long r = read(fds[n], data, len);
        say_result(r > 8 ? 9 : r);
    }
}

static void do_rare(void)
{
    unsigned int n = pick(FDS);

    switch (pick(4)) {
    case 0:
        say("dup %u", n);
        close(fds[9]);
        fds[9] = dup(fds[n % 9]);
        break;
    case 1:
        say("poll sets");
        for (int i = 0; i < SETS; i++) {
            struct pollfd p = {sets[i], POLLIN | POLLOUT | POLLRDNORM, 0};
            poll(&p, 1, 0);
            say(" %#x", (unsigned int)p.revents);
        }
        break;
    case 2:
        say("shutdown");
        say_result(shutdown(fds[5 + pick(2)], (int)pick(3)));
        break;
    default:
        if (n < 4 || n == 8)
            break;
        say("again %u", n);
        dup2(fds[n], fds[10]); /* another descriptor of the same file */
    }
}

static void open_all(void)
{
    must(pipe2(fds, O_NONBLOCK));
    must(pipe2(fds + 2, O_NONBLOCK));
    fds[4] = (int)must(eventfd(0, EFD_NONBLOCK));
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds + 5));
    must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds + 7));
    fds[9] = dup(fds[0]);
    fds[10] = dup(fds[1]);
    fds[11] = (int)must(open("/dev/null", O_RDWR));
    for (int i = 0; i < SETS; i++)
        sets[i] = (int)must(epoll_create1(0));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    for (int round = 0; round < ROUNDS; round++) {
        seed = (uint32_t)round;
        open_all();
        for (int k = 0; k < STEPS; k++) {
            if (k % PER_LINE)
                say("; ");
            else
                line[0] = 0;
            unsigned int what = pick(20);
            if (what < 6)
                do_ctl();
            else if (what < 12)
                do_wait();
            else if (what < 19 || round < 4)
                do_io();
            else
                do_rare();
            if (k % PER_LINE == PER_LINE - 1)
                ok(1, "%s", line);
        }
        for (int i = 0; i < FDS; i++) {
            close(fds[i]);
            line[0] = 0;
            do_wait();
            ok(1, "closed %d, %s", i, line);
        }
        for (int i = 0; i < SETS; i++)
            close(sets[i]);
    }
    done();
}
