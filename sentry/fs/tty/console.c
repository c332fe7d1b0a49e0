/* The console: a host terminal in raw mode. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sentry/fs/fs.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task_internal.h"

struct tty *console_tty;

static void host_readable(struct loop_fd *w, uint32_t revents)
{
    unsigned char buf[256];
    ssize_t n = read(w->fd, buf, sizeof(buf));

    if (n > 0) {
        tty_type(console_tty, buf, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        loop_fd_del(w);
        console_tty->host_fd = -1;
        tty_hangup(console_tty);
    }
}

void tty_console_resized(void)
{
    struct tty_size size;

    if (console_tty && console_tty->host_fd >= 0 && !ioctl(console_tty->host_fd, TIOCGWINSZ, &size))
        tty_set_size(console_tty, &size);
}

int console_bind(struct tty *t, int host_fd)
{
    static struct loop_fd in = {.events = EPOLLIN, .cb = host_readable};

    t->host_fd = in.fd = host_fd;
    int err = loop_fd_add(&in);
    if (!err)
        tty_console_resized();
    return err;
}

int console_attach(int host_fd)
{
    if (console_tty)
        return 0;
    console_tty = tty_alloc();
    if (!console_tty)
        return -ENOMEM;
    console_tty->termios.c_iflag |= IUTF8;
    int err = console_bind(console_tty, host_fd);
    if (err)
        return err;
    if (task_current()) /* none: a restored stream, whose session has what it had */
        tty_claim(task_current(), console_tty);
    return 0;
}

int console_take_file(struct file *f, int host_fd)
{
    int err = console_attach(host_fd);

    if (err)
        return err;
    err = tty_attach(console_tty, f);
    if (err)
        return err;
    f->ops = &tty_slave_ops;
    f->inode->mode = S_IFCHR | 0620;
    f->inode->rdev = tty_device(console_tty);
    return 0;
}
