/* Output and echo: c_oflag and the ECHO flags of termios(3), as n_tty.c of the kernel. */
#include <asm/ioctls.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task.h"

#define HOST_PATIENCE_MS 100
#define FLAG TTY_FLAG

static void put_host(struct tty *t, unsigned char c)
{
    struct pollfd p = {.fd = t->host_fd, .events = POLLOUT};

    /* A slow terminal is waited for a little, a stuck one loses output: the loop must go on. */
    while (write(t->host_fd, &c, 1) < 0 && errno == EAGAIN)
        if (poll(&p, 1, HOST_PATIENCE_MS) <= 0)
            break;
}

bool tty_out_room(const struct tty *t, size_t n)
{
    return t->index < 0 || t->out_len + n <= TTY_BUF;
}

void tty_put_raw(struct tty *t, unsigned char c)
{
    if (t->host_fd >= 0) {
        put_host(t, c);
    } else if (t->index >= 0 && t->out_len < TTY_BUF) {
        t->out[t->out_len++] = c;
        waitq_wake(&t->out_wq, EPOLLIN | EPOLLRDNORM);
    }
}

static bool is_continuation(const struct tty *t, unsigned char c)
{
    return FLAG(t, c_iflag, IUTF8) && (c & 0xc0) == 0x80;
}

static void put_newline(struct tty *t)
{
    if (FLAG(t, c_oflag, ONLRET))
        t->column = 0;
    if (FLAG(t, c_oflag, ONLCR)) {
        t->column = 0;
        tty_put_raw(t, '\r');
    }
    t->line_column = t->column;
    tty_put_raw(t, '\n');
}

static void put_return(struct tty *t)
{
    if (FLAG(t, c_oflag, ONOCR) && !t->column)
        return;
    if (FLAG(t, c_oflag, OCRNL)) {
        if (FLAG(t, c_oflag, ONLRET))
            t->line_column = t->column = 0;
        tty_put_raw(t, '\n');
        return;
    }
    t->line_column = t->column = 0;
    tty_put_raw(t, '\r');
}

static void put_tab(struct tty *t)
{
    size_t spaces = 8 - (t->column & 7);

    t->column += spaces;
    if (FLAG(t, c_oflag, TABDLY) != XTABS)
        tty_put_raw(t, '\t');
    else
        while (spaces--)
            tty_put_raw(t, ' ');
}

int tty_write_byte(struct tty *t, unsigned char c)
{
    if (!tty_out_room(t, 8))
        return -EAGAIN;
    if (!FLAG(t, c_oflag, OPOST)) {
        tty_put_raw(t, c);
        return 0;
    }
    switch (c) {
    case '\n':
        put_newline(t);
        return 0;
    case '\r':
        put_return(t);
        return 0;
    case '\t':
        put_tab(t);
        return 0;
    case '\b':
        t->column -= t->column > 0;
        break;
    default:
        if (iscntrl(c))
            break;
        if (FLAG(t, c_oflag, OLCUC))
            c = (unsigned char)toupper(c);
        t->column += !is_continuation(t, c);
    }
    tty_put_raw(t, c);
    return 0;
}

void tty_echo(struct tty *t, unsigned char c)
{
    if (FLAG(t, c_lflag, ECHOCTL) && iscntrl(c) && c != '\t') {
        tty_put_raw(t, '^');
        tty_put_raw(t, c ^ 0100);
        t->column += 2;
    } else {
        tty_write_byte(t, c);
    }
}

void tty_packet_event(struct tty *t, unsigned char set, unsigned char clear)
{
    if (!t->packet)
        return;
    t->packet_status = (unsigned char)((t->packet_status & ~clear) | set);
    waitq_wake(&t->out_wq, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
}

void tty_stop(struct tty *t, bool stop, bool flow)
{
    if (flow)
        t->flow_stopped = stop;
    if ((!stop && t->flow_stopped) || t->stopped == stop)
        return;
    t->stopped = stop;
    if (stop)
        tty_packet_event(t, TIOCPKT_STOP, TIOCPKT_START);
    else
        tty_packet_event(t, TIOCPKT_START, TIOCPKT_STOP);
    if (!stop)
        waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
}
