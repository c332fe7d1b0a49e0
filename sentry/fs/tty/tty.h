/*
 * Internals of terminals: the line discipline (input.c, output.c, readwrite.c), sessions (job.c),
 * and the two kinds of hardware, console (console.c) and pty (pty.c).
 */
#ifndef NV_SENTRY_FS_TTY_TTY_H
#define NV_SENTRY_FS_TTY_TTY_H

#include <asm/termbits.h>
#include <stdbool.h>
#include <stddef.h>

#include "sentry/kernel/waitq.h"
#include "sentry/vfs/file.h"

#define TTY_BUF 4096
#define TTY_TYPED_MAX 65536 /* waits for room in the input of a pty */

struct session;

struct tty_size { /* struct winsize */
    unsigned short rows, cols, xpixel, ypixel;
};

struct tty {
    unsigned int refs;
    struct termios termios;
    struct termios kept; /* TIOCSLCKTRMIOS: bits that cannot be changed */
    unsigned int ispeed, ospeed;
    struct tty_size size;
    struct session *session; /* weak: the session lets go of us first */
    int index;               /* of the pty; -1: console */
    uid_t uid;               /* who opened the master */
    gid_t gid;
    bool exclusive, locked;
    /*
     * Input: [0, done) is readable, [done, len) the line being edited (canonical mode). A bit in
     * ends says that the line ends with this byte; if that is 0, a VEOF was typed there.
     */
    unsigned char in[TTY_BUF], ends[TTY_BUF / 8];
    size_t done, len;
    bool literal; /* VLNEXT was typed */
    bool erasing; /* between the \ and / of ECHOPRT */
    struct waitq in_wq;
    unsigned char *typed; /* what the input has no room for yet; NULL: nothing */
    size_t ntyped;
    /* Output of a pty waits here for its master; the console's goes to the host. */
    unsigned char out[TTY_BUF];
    size_t out_len;
    struct waitq out_wq;
    bool stopped;      /* by VSTOP */
    bool flow_stopped; /* by tcflow(3) */
    size_t column, line_column;
    bool packet; /* TIOCPKT */
    unsigned char packet_status;
    int masters, slaves;
    bool slave_seen;
    struct file **opened; /* by programs, weak */
    size_t nopened;
    struct { /* of images from before ends */
        int lines;
        bool eof, column_known;
    } old;
    int host_fd; /* console; -1: it was hung up, or this is a pty */
    struct loop_fd *host_in;
};

#define TTY_FLAG(t, field, bit) ((t)->termios.field & (bit))

static inline bool tty_is_cc(const struct tty *t, int which, unsigned char c)
{
    return t->termios.c_cc[which] && t->termios.c_cc[which] == c;
}

static inline bool tty_line_ends(const struct tty *t, size_t at)
{
    return t->ends[at / 8] & (1U << at % 8);
}

static inline void tty_set_line_end(struct tty *t, size_t at, bool ends)
{
    unsigned char bit = (unsigned char)(1U << at % 8);

    t->ends[at / 8] = (unsigned char)(ends ? t->ends[at / 8] | bit : t->ends[at / 8] & ~bit);
}

struct tty *tty_alloc(void);
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t);
/* Nobody is at the other end any more: it cannot be opened. */
static inline bool tty_is_hung(const struct tty *t)
{
    return t->index >= 0 ? !t->masters : t->host_fd < 0;
}

/* --- input.c --- */
/* Bytes typed: echo and signals happen here. Returns how many were taken. */
size_t tty_input(struct tty *t, const unsigned char *buf, size_t n);
/* The same, and what it has no room for waits: at most TTY_TYPED_MAX - ntyped. 0 or -ENOMEM. */
int tty_type(struct tty *t, const unsigned char *buf, size_t n);
/* Room was made: takes what was typed meanwhile. */
void tty_input_continue(struct tty *t);
void tty_flush_input(struct tty *t);
void tty_flush_output(struct tty *t);
/* ICANON has changed: what was typed becomes readable, or a line. */
void tty_input_mode_changed(struct tty *t);
/* Bytes that a read could have: FIONREAD. */
size_t tty_input_ready(const struct tty *t);

/* --- output.c --- */
/* Room for n more bytes of output? The console always has. */
bool tty_out_room(const struct tty *t, size_t n);
/* Output after OPOST. 0 or -EAGAIN. */
int tty_write_byte(struct tty *t, unsigned char c);
/* Output as it is, without a change of the column. */
void tty_put_raw(struct tty *t, unsigned char c);
void tty_echo(struct tty *t, unsigned char c);
void tty_stop(struct tty *t, bool stop, bool flow);
/* For a reader of the master in packet mode: TIOCPKT_* of ioctl_tty(2). */
void tty_packet_event(struct tty *t, unsigned char set, unsigned char clear);

/* --- readwrite.c --- */
ssize_t tty_read(struct task *task, struct file *f, struct tty *t, struct uio *u);
ssize_t tty_write(struct task *task, struct file *f, struct tty *t, struct uio *u);
uint32_t tty_poll(struct tty *t, struct poll_table *pt);

/* --- job.c --- */
/* Whether a background process may go on: sig is SIGTTIN or SIGTTOU. 0 or a negative errno. */
int tty_job_control(struct task *task, struct tty *t, int sig);
/* Makes t the controlling terminal of the task's session if it has none and leads it. */
void tty_claim(struct task *task, struct tty *t);
void tty_signal_foreground(const struct tty *t, int sig);
/* The session has no terminal any more. */
void tty_leave_session(struct tty *t);
/* TIOCSCTTY and so on; -ENOTTY: cmd is none of them. */
long tty_session_ioctl(struct task *task, struct tty *t, unsigned int cmd, unsigned long arg);

/* --- ioctl.c --- */
long tty_ioctl(struct task *task, struct file *f, struct tty *t, unsigned int cmd,
               unsigned long arg);
void tty_set_size(struct tty *t, const struct tty_size *size);

/* --- tty.c --- */
extern const struct file_ops tty_slave_ops, tty_hung_ops;
/* A file whose terminal was hung up since: tty_io.c of the kernel has operations of its own. */
static inline bool tty_file_is_hung(const struct file *f)
{
    return f->ops == &tty_hung_ops;
}
/* Whoever has it open loses it, and so does its session: vhangup(2). */
void tty_hangup(struct tty *t);
struct file *tty_file(struct tty *t, struct inode *i, const struct path *p, int flags);
/* Makes f, of no other kind yet, one of t. 0 or -ENOMEM. */
int tty_attach(struct tty *t, struct file *f);
int tty_open(struct task *task, struct tty *t, struct inode *i, const struct path *p, int flags,
             struct file **out);
/* The device number. */
dev_t tty_device(const struct tty *t);
int tty_restore_slave(struct file *f);

/* --- pty.c --- */
#define PTYS_MAX 256
extern struct tty *ptys[PTYS_MAX];
extern const struct file_ops tty_master_ops;
int ptmx_open(struct task *task, struct inode *i, const struct path *p, int flags,
              struct file **out);
int tty_restore_master(struct file *f);

/* --- console.c --- */
extern struct tty *console_tty;
/* The console's terminal outside. 0 or negative errno. */
int console_bind(struct tty *t, int host_fd);

#endif
