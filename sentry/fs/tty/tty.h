/* Internals of terminals: the line discipline and its two kinds of hardware, console and pty. */
#ifndef NV_SENTRY_FS_TTY_TTY_H
#define NV_SENTRY_FS_TTY_TTY_H

#include <asm/termbits.h>
#include <stdbool.h>
#include <stddef.h>

#include "sentry/kernel/waitq.h"
#include "sentry/vfs/file.h"

#define TTY_BUF 4096

struct session;

struct tty_size { /* struct winsize */
    unsigned short rows, cols, xpixel, ypixel;
};

struct tty {
    unsigned int refs;
    struct termios termios;
    struct tty_size size;
    struct session *session; /* weak: the session lets go of us first */
    int index;               /* of the pty; -1: console */
    /* Input: [0, done) is readable, [done, len) the line being edited (canonical mode). */
    unsigned char in[TTY_BUF];
    size_t done, len;
    int lines; /* line ends in [0, done) */
    bool eof;  /* VEOF on an empty line */
    struct waitq in_wq;
    /* Output of a pty waits here for its master; the console's goes to the host. */
    unsigned char out[TTY_BUF];
    size_t out_len;
    struct waitq out_wq;
    bool stopped, column_known;
    size_t column;
    int masters, slaves;
    bool slave_seen, locked;
    int host_fd; /* console; -1: it was hung up, or this is a pty */
    struct loop_fd *host_in;
};

struct tty *tty_alloc(void);
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t);
/* The discipline: bytes typed. Echo and signals happen here. Returns how many were taken. */
size_t tty_input(struct tty *t, const unsigned char *buf, size_t n);
/* Nobody is at the other end any more. */
static inline bool tty_is_hung(const struct tty *t)
{
    return t->index >= 0 ? !t->masters : t->host_fd < 0;
}
/* Room for n more bytes of output? The console always has. */
bool tty_out_room(const struct tty *t, size_t n);
/* Output after OPOST. 0 or -EAGAIN. */
int tty_write_byte(struct tty *t, unsigned char c);
ssize_t tty_read(struct task *task, struct file *f, struct tty *t, struct uio *u);
ssize_t tty_write(struct task *task, struct file *f, struct tty *t, struct uio *u);
long tty_ioctl(struct task *task, struct file *f, struct tty *t, unsigned int cmd,
               unsigned long arg);
void tty_set_size(struct tty *t, const struct tty_size *size);
void tty_hangup(struct tty *t);
/* Makes t the controlling terminal of the task's session if it has none and leads it. */
void tty_claim(struct task *task, struct tty *t);
struct file *tty_file(struct tty *t, struct inode *i, const struct path *p, int flags);
extern struct tty *console_tty;
extern const struct file_ops tty_slave_ops, tty_master_ops;
#define PTYS_MAX 256
extern struct tty *ptys[PTYS_MAX];
int tty_restore_slave(struct file *f);
int tty_restore_master(struct file *f);
/* The console's terminal outside. 0 or negative errno. */
int console_bind(struct tty *t, int host_fd);

#endif
