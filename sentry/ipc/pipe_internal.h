/* What splice shares with pipes. */
#ifndef NV_SENTRY_IPC_PIPE_INTERNAL_H
#define NV_SENTRY_IPC_PIPE_INTERNAL_H

#include "sentry/ipc/pipe.h"
#include "sentry/ipc/ring.h"
#include "sentry/vfs/file.h"

struct pipe_packet { /* written with O_DIRECT: one read takes it, what does not fit is lost */
    uint64_t start;
    uint32_t len;
};

struct pipe {
    unsigned int refs;
    struct ring ring;
    size_t limit;  /* F_SETPIPE_SZ */
    uint64_t head; /* bytes ever read */
    int readers, writers;
    unsigned int r_opens, w_opens; /* so far; FIFO opens and hangups compare them */
    struct waitq rwait, wwait, open_wait;
    struct pipe_packet *packets; /* PIPE_PACKETS of them, made by the first packet */
    unsigned int first_packet, npackets;
    struct inode *inode;    /* weak */
    struct pipe_user *user; /* whose pages its limit counts for */
};

/* pipe_limits.c */
#define PIPE_USER_PAGES_SOFT 16384 /* /proc/sys/fs/pipe-user-pages-soft */
bool pipe_privileged(const struct task *t);
int pipe_charge(struct pipe *p, uid_t uid); /* its limit. -ENOMEM */
void pipe_uncharge(struct pipe *p);
void pipe_resize(struct pipe *p, size_t size);
/* Would its user have too much with this pipe of size bytes? */
bool pipe_pages_over(const struct pipe *p, size_t size);
uid_t pipe_uid(const struct pipe *p);

struct pipe *pipe_of(const struct file *f); /* NULL: no pipe */
static inline size_t pipe_room(const struct pipe *p)
{
    return p->limit > p->ring.used ? p->limit - p->ring.used : 0;
}
/* 1: there is something to read; 0: nothing and no writers; -EAGAIN, -ERESTARTSYS. */
int pipe_wait_data(struct task *t, struct pipe *p, bool nonblock);
/* 1: room for at least one byte; -EPIPE (with SIGPIPE), -EAGAIN, -ERESTARTSYS. */
int pipe_wait_room(struct task *t, struct pipe *p, bool nonblock);
/* Takes up to len bytes, a packet at most; wakes writers. */
ssize_t pipe_take(struct pipe *p, struct uio *u, size_t len);
/* Appends up to len bytes beyond the limit if need be; wakes readers. */
ssize_t pipe_append(struct pipe *p, struct uio *u, size_t len);
/* Gives back bytes that were taken and could not be used. */
void pipe_untake(struct pipe *p, const void *data, size_t len);

#endif
