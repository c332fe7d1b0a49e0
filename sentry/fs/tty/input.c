/* What is typed: c_iflag, line editing and signals of termios(3), as n_tty.c of the kernel. */
#include <asm/ioctls.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task.h"

#define FLAG TTY_FLAG

/* --- the buffer --- */
static void put_byte(struct tty *t, unsigned char c, bool ends)
{
    t->in[t->len] = c;
    tty_set_line_end(t, t->len++, ends);
}

/* Room for one more? A line that is too long loses its end; complete lines and raw input wait. */
static bool make_room(struct tty *t)
{
    if (t->len + 1 < TTY_BUF)
        return true;
    if (!FLAG(t, c_lflag, ICANON) || t->done)
        return false;
    if (t->len == TTY_BUF)
        t->len--;
    return true;
}

static void line_done(struct tty *t, unsigned char c)
{
    put_byte(t, c, true);
    t->done = t->len;
    waitq_wake(&t->in_wq, EPOLLIN | EPOLLRDNORM);
}

void tty_flush_input(struct tty *t)
{
    t->len = t->done = 0;
    t->literal = t->erasing = false;
    free(t->typed);
    t->typed = NULL;
    t->ntyped = 0;
    tty_packet_event(t, TIOCPKT_FLUSHREAD, 0);
    waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
}

void tty_flush_output(struct tty *t)
{
    t->out_len = 0;
    tty_packet_event(t, TIOCPKT_FLUSHWRITE, 0);
    waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
}

void tty_input_mode_changed(struct tty *t)
{
    memset(t->ends, 0, sizeof(t->ends));
    t->literal = t->erasing = false;
    if (FLAG(t, c_lflag, ICANON) && t->len)
        tty_set_line_end(t, t->len - 1, true);
    t->done = t->len;
    waitq_wake(&t->in_wq, EPOLLIN | EPOLLRDNORM);
}

size_t tty_input_ready(const struct tty *t)
{
    size_t n = t->done;

    if (FLAG(t, c_lflag, ICANON))
        for (size_t i = 0; i < t->done; i++)
            n -= tty_line_ends(t, i) && !t->in[i];
    return n;
}

/* --- editing --- */
static void finish_erasing(struct tty *t)
{
    if (t->erasing)
        tty_write_byte(t, '/');
    t->erasing = false;
}

static void rub_out(struct tty *t)
{
    tty_put_raw(t, '\b');
    tty_put_raw(t, ' ');
    tty_put_raw(t, '\b');
    t->column -= t->column > 0;
}

/* Back to where the tab that was at the end of the line began. */
static void rub_out_tab(struct tty *t)
{
    size_t columns = 0, i = t->len;
    bool after_tab = false;

    while (i > t->done && !after_tab) {
        unsigned char c = t->in[--i];
        if (c == '\t')
            after_tab = true;
        else if (iscntrl(c))
            columns += FLAG(t, c_lflag, ECHOCTL) ? 2 : 0;
        else
            columns += !(FLAG(t, c_iflag, IUTF8) && (c & 0xc0) == 0x80);
    }
    if (!after_tab)
        columns += t->line_column;
    for (size_t back = 8 - (columns & 7); back; back--) {
        tty_put_raw(t, '\b');
        t->column -= t->column > 0;
    }
}

static void show_erased(struct tty *t, size_t at, size_t n, bool one)
{
    unsigned char c = t->in[at];

    if (FLAG(t, c_lflag, ECHOPRT)) {
        if (!t->erasing)
            tty_write_byte(t, '\\');
        t->erasing = true;
        tty_echo(t, c);
        for (size_t i = 1; i < n; i++)
            tty_put_raw(t, t->in[at + i]);
    } else if (one && !FLAG(t, c_lflag, ECHOE)) {
        tty_echo(t, t->termios.c_cc[VERASE]);
    } else if (c == '\t') {
        rub_out_tab(t);
    } else {
        if (iscntrl(c) && FLAG(t, c_lflag, ECHOCTL))
            rub_out(t);
        if (!iscntrl(c) || FLAG(t, c_lflag, ECHOCTL))
            rub_out(t);
    }
}

/* As the kernel's table of Latin-1 has it. */
static bool is_word_char(unsigned char c)
{
    return isalnum(c) || c == '_' || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

enum erase { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static void erase(struct tty *t, enum erase what)
{
    bool shown = FLAG(t, c_lflag, ECHO), in_word = false;

    while (t->len > t->done) {
        size_t at = t->len - 1;
        while (FLAG(t, c_iflag, IUTF8) && (t->in[at] & 0xc0) == 0x80 && at > t->done)
            at--;
        unsigned char c = t->in[at];
        bool of_word = is_word_char(c);
        if (what == ERASE_WORD && in_word && !of_word)
            break;
        in_word |= of_word;
        size_t n = t->len - at;
        t->len = at;
        if (shown)
            show_erased(t, at, n, what == ERASE_CHAR);
        if (what == ERASE_CHAR)
            break;
    }
    if (t->len == t->done && shown)
        finish_erasing(t);
}

static void kill_line(struct tty *t)
{
    tcflag_t all = ECHO | ECHOK | ECHOKE | ECHOE;

    if (t->len == t->done)
        return;
    if (FLAG(t, c_lflag, all) == all) {
        erase(t, ERASE_LINE);
        return;
    }
    t->len = t->done;
    if (!FLAG(t, c_lflag, ECHO))
        return;
    finish_erasing(t);
    tty_echo(t, t->termios.c_cc[VKILL]);
    if (FLAG(t, c_lflag, ECHOK))
        tty_write_byte(t, '\n');
}

static void reprint(struct tty *t)
{
    finish_erasing(t);
    tty_echo(t, t->termios.c_cc[VREPRINT]);
    tty_write_byte(t, '\n');
    for (size_t i = t->done; i < t->len; i++)
        tty_echo(t, t->in[i]);
}

static void literal_next(struct tty *t)
{
    t->literal = true;
    if (!FLAG(t, c_lflag, ECHO))
        return;
    finish_erasing(t);
    if (FLAG(t, c_lflag, ECHOCTL)) {
        tty_put_raw(t, '^');
        tty_put_raw(t, '\b');
    }
}

static void echo_typed(struct tty *t, unsigned char c)
{
    if (t->len == t->done)
        t->line_column = t->column;
    tty_echo(t, c);
}

/* The characters of canonical mode that do something; true if c was one. */
static bool canonical_char(struct tty *t, unsigned char c)
{
    bool extended = FLAG(t, c_lflag, IEXTEN), shown = FLAG(t, c_lflag, ECHO);

    if (tty_is_cc(t, VERASE, c)) {
        erase(t, ERASE_CHAR);
    } else if (tty_is_cc(t, VKILL, c)) {
        kill_line(t);
    } else if (extended && tty_is_cc(t, VWERASE, c)) {
        erase(t, ERASE_WORD);
    } else if (extended && tty_is_cc(t, VLNEXT, c)) {
        literal_next(t);
    } else if (extended && shown && tty_is_cc(t, VREPRINT, c)) {
        reprint(t);
    } else if (c == '\n') {
        if (shown || FLAG(t, c_lflag, ECHONL))
            tty_write_byte(t, '\n');
        line_done(t, c);
    } else if (tty_is_cc(t, VEOF, c)) {
        line_done(t, 0);
    } else if (tty_is_cc(t, VEOL, c) || (extended && tty_is_cc(t, VEOL2, c))) {
        if (shown)
            echo_typed(t, c);
        line_done(t, c);
    } else {
        return false;
    }
    return true;
}

/* --- signals and flow --- */
static bool signal_char(struct tty *t, unsigned char c)
{
    int sig = tty_is_cc(t, VINTR, c)   ? SIGINT
              : tty_is_cc(t, VQUIT, c) ? SIGQUIT
              : tty_is_cc(t, VSUSP, c) ? SIGTSTP
                                       : 0;

    if (!sig || !FLAG(t, c_lflag, ISIG))
        return false;
    tty_signal_foreground(t, sig);
    if (!FLAG(t, c_lflag, NOFLSH)) {
        tty_flush_output(t);
        tty_flush_input(t);
    }
    if (FLAG(t, c_iflag, IXON))
        tty_stop(t, false, false);
    if (FLAG(t, c_lflag, ECHO))
        tty_echo(t, c);
    return true;
}

static bool flow_char(struct tty *t, unsigned char c)
{
    bool start = tty_is_cc(t, VSTART, c), stop = tty_is_cc(t, VSTOP, c);

    if (!FLAG(t, c_iflag, IXON) || (!start && !stop))
        return false;
    tty_stop(t, !start, false);
    return true;
}

/* False: it is dropped. */
static bool map_char(const struct tty *t, unsigned char *c)
{
    if (*c == '\r') {
        if (FLAG(t, c_iflag, IGNCR))
            return false;
        if (FLAG(t, c_iflag, ICRNL))
            *c = '\n';
    } else if (*c == '\n' && FLAG(t, c_iflag, INLCR)) {
        *c = '\r';
    }
    return true;
}

static void ordinary_char(struct tty *t, unsigned char c)
{
    if (FLAG(t, c_lflag, ECHO)) {
        finish_erasing(t);
        if (c == '\n')
            tty_write_byte(t, c);
        else
            echo_typed(t, c);
    }
    put_byte(t, c, false);
    if (FLAG(t, c_lflag, ICANON))
        return;
    t->done = t->len;
    waitq_wake(&t->in_wq, EPOLLIN | EPOLLRDNORM);
}

/* False: there is no room. */
static bool input_byte(struct tty *t, unsigned char c)
{
    if (!make_room(t))
        return false;
    if (FLAG(t, c_iflag, ISTRIP))
        c &= 127;
    if (FLAG(t, c_iflag, IUCLC) && FLAG(t, c_lflag, IEXTEN))
        c = (unsigned char)tolower(c);
    if (t->literal) {
        t->literal = false;
        ordinary_char(t, c);
        return true;
    }
    if (flow_char(t, c) || signal_char(t, c) || !map_char(t, &c))
        return true;
    if (t->stopped && !t->flow_stopped && FLAG(t, c_iflag, IXON) && FLAG(t, c_iflag, IXANY))
        tty_stop(t, false, false);
    if (!FLAG(t, c_lflag, ICANON) || !canonical_char(t, c))
        ordinary_char(t, c);
    return true;
}

size_t tty_input(struct tty *t, const unsigned char *buf, size_t n)
{
    size_t i = 0;

    while (i < n && input_byte(t, buf[i]))
        i++;
    return i;
}

/* --- what has no room --- */
int tty_type(struct tty *t, const unsigned char *buf, size_t n)
{
    size_t took = t->ntyped ? 0 : tty_input(t, buf, n);
    size_t rest = MIN(n - took, TTY_TYPED_MAX - t->ntyped);

    if (!rest)
        return 0;
    unsigned char *p = realloc(t->typed, t->ntyped + rest);
    if (!p)
        return -ENOMEM;
    memcpy(p + t->ntyped, buf + took, rest);
    t->typed = p;
    t->ntyped += rest;
    return 0;
}

void tty_input_continue(struct tty *t)
{
    if (!t->ntyped)
        return;
    /* A signal among them throws the rest away. */
    unsigned char *typed = t->typed;
    size_t n = t->ntyped, took = 0;
    while (took < n && t->typed == typed && input_byte(t, typed[took]))
        took++;
    if (t->typed != typed)
        return;
    memmove(typed, typed + took, n - took);
    t->ntyped = n - took;
    if (!t->ntyped) {
        free(typed);
        t->typed = NULL;
    }
    if (took)
        waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
}
