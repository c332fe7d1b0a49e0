/*
 * Sockets: what a protocol family implements. A family registers once; socket(2) asks it to make a
 * struct socket. The system calls know no family.
 *
 * Ownership: the file owns the socket and calls ops->release with its last reference; a family
 * whose objects outlive that counts its own references. All operations run on the calling task's
 * fiber and may park, except release, poll and getname.
 */
#ifndef NV_SENTRY_SOCKET_SOCKET_H
#define NV_SENTRY_SOCKET_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "sentry/kernel/uaccess.h"
#include "sentry/vfs/file.h"

struct socket;
struct socket_filter;
struct strbuf;

#define SCM_FDS_MAX 253
/* Newer than some headers. */
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SO_INQ
#define SO_INQ 84
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

struct scm_files {          /* n references */
    struct scm_files *next; /* while waiting to be dropped */
    int n;
    struct file *file[];
};

struct scm {                 /* ancillary data of one message */
    struct scm_files *files; /* owned, NULL: none */
    bool has_cred;
    struct ucred cred;
    struct thread_group *sender; /* owned; the process of cred, gone or not; NULL: not kept */
    uint64_t stamp_ns;           /* wall time it was sent, for SO_TIMESTAMP; 0: not known */
};
/* Drops the files. However they hang together, this does not recurse. */
void scm_release(struct scm *scm);
void scm_files_release(struct scm_files *files);
/* References of its own to the same files. NULL: out of memory. */
struct scm_files *scm_files_dup(const struct scm_files *files);

/* CLOCK_REALTIME now. */
static inline uint64_t wall_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

struct msg { /* sendmsg/recvmsg after the guest's headers were fetched */
    struct uio uio;
    int flags;                    /* MSG_* asked for */
    struct sockaddr_storage addr; /* send: destination; recv: source */
    socklen_t addrlen;            /* 0: none */
    struct scm scm;
    int out_flags; /* recv: MSG_TRUNC, MSG_EOR... */
    int inq;       /* recv of a stream: what is left, for SO_INQ */
};

/*
 * sendmsg(2) and recvmsg(2) in two steps, for who makes the second again when it gave EAGAIN:
 * fetching the header at addr, after which m->uio is the caller's to end, and the transfer. f is a
 * socket's; flags with MSG_DONTWAIT do not sleep.
 */
void msg_init(struct msg *m, int flags);
int msg_begin_send(struct task *t, struct msg *m, struct msghdr *h, uint64_t addr, int flags);
int msg_begin_recv(struct task *t, struct msg *m, struct msghdr *h, uint64_t addr, int flags);
long msg_send(struct task *t, struct file *f, struct msg *m, const struct msghdr *h);
long msg_recv(struct task *t, struct file *f, struct msg *m, const struct msghdr *h, uint64_t addr);
/* All of it into one buffer, behind a struct io_uring_recvmsg_out; h tells how much room each has.
 */
long msg_recv_packed(struct task *t, struct file *f, struct msg *m, const struct msghdr *h,
                     uint64_t buf, size_t len);

struct socket_ops {
    int (*bind)(struct task *t, struct socket *s, const struct sockaddr *a, socklen_t len);
    int (*connect)(struct task *t, struct socket *s, const struct sockaddr *a, socklen_t len,
                   int flags);
    int (*listen)(struct task *t, struct socket *s, int backlog);
    int (*accept)(struct task *t, struct socket *s, struct socket **out, int flags);
    /* flags are those of the file, with O_NONBLOCK for MSG_DONTWAIT. */
    ssize_t (*send)(struct task *t, struct socket *s, struct msg *m, int flags);
    ssize_t (*recv)(struct task *t, struct socket *s, struct msg *m, int flags);
    int (*shutdown)(struct socket *s, int how);
    int (*getname)(struct socket *s, struct sockaddr_storage *a, socklen_t *len, bool peer);
    /* -ENOPROTOOPT at SOL_SOCKET: the options common to all families are tried. */
    int (*getsockopt)(struct task *t, struct socket *s, int level, int opt, void *val,
                      socklen_t *len);
    int (*setsockopt)(struct task *t, struct socket *s, int level, int opt, const void *val,
                      socklen_t len);
    uint32_t (*poll)(struct socket *s, struct poll_table *pt);
    long (*ioctl)(struct task *t, struct socket *s, unsigned int cmd, unsigned long arg);
    void (*fdinfo)(const struct socket *s, struct strbuf *out); /* its own lines; may be NULL */
    void (*release)(struct socket *s);
    bool passes_files;              /* takes SCM_RIGHTS */
    const struct socket_ckpt *ckpt; /* NULL: cannot be saved */
};

struct ckpt_reader;
struct ckpt_writer;

/*
 * Checkpoints. All sockets are records of one type; each begins with its operations, whose symbol
 * (group "socket_ops") names the family, and the fields of struct socket. Functions are those of
 * struct ckpt_type; make() gives a socket without references.
 */
struct socket_ckpt {
    struct socket *(*make)(struct ckpt_reader *r);
    void (*save)(struct ckpt_writer *w, struct socket *s);
    void (*load)(struct ckpt_reader *r, struct socket *s, unsigned int version);
    void (*link)(struct ckpt_reader *r, struct socket *s);
    void (*hold)(struct socket *s);
};

struct socket { /* first member of each family's own object */
    const struct socket_ops *ops;
    int family, type, protocol;
    struct file *file; /* weak, NULL before there is one and after the last reference */
    uint64_t cookie;
    uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: none */
    int sndbuf, rcvbuf, rcvlowat;
    int error;           /* positive errno, reported once */
    uint64_t flags;      /* boolean options: bit n is SO_... number n */
    uint64_t more_flags; /* of those from 64 on */
    struct linger linger;
    int priority, mark;
    int peek_off; /* SO_PEEK_OFF, -1: off */
    /* Kept for who asks; nothing here depends on them. */
    uint64_t pacing, timestamping, txtime;
    int busy_poll, incoming_cpu, bound_if, buf_lock;
    struct socket_filter *filter; /* owned; NULL: all passes */
    bool no_file;                 /* in an image: it must not have one */
};

/* Peeks move on, reads move back what they consumed. */
static inline void socket_peek_forward(struct socket *s, size_t n)
{
    if (s->peek_off >= 0)
        s->peek_off = (int)((unsigned int)s->peek_off + n) & INT32_MAX;
}
static inline void socket_peek_backward(struct socket *s, size_t n)
{
    if (s->peek_off >= 0)
        s->peek_off = (size_t)s->peek_off > n ? s->peek_off - (int)n : 0;
}

static inline bool socket_flag(const struct socket *s, int opt)
{
    return (opt < 64 ? s->flags >> opt : s->more_flags >> (opt - 64)) & 1;
}
/* Is one of the four ways to ask for the times of messages on? */
static inline bool socket_wants_times(const struct socket *s)
{
    return s->flags & (1ULL << SO_TIMESTAMP_OLD | 1ULL << SO_TIMESTAMPNS_OLD | 1ULL << 63) ||
           s->more_flags & 1;
}
/* Takes the pending error: 0 or negative errno. */
static inline int socket_error(struct socket *s)
{
    int err = s->error;

    s->error = 0;
    return -err;
}

typedef int (*socket_create_fn)(struct task *t, int type, int protocol, struct socket **out);
int socket_family_register(int family, socket_create_fn create,
                           int (*pair)(struct task *t, int type, int protocol, struct socket **a,
                                       struct socket **b));
void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type,
                 int protocol);
/* A file over s, which it owns from now on. NULL: out of memory, s was released. */
struct file *socket_file(struct socket *s, int flags);
struct socket *socket_of(const struct file *f); /* NULL: no socket */

/* Deadline of a call that began now under SO_RCVTIMEO or SO_SNDTIMEO. */
uint64_t socket_deadline(uint64_t timeout_ns);
/* What a task_wait() error means under a timeout: EAGAIN when it passed, EINTR if not restartable.
 */
int socket_wait_error(int err, uint64_t timeout_ns);

/* SCM_RIGHTS in an image. NULL: none. */
void scm_files_save(struct ckpt_writer *w, const struct scm_files *files);
struct scm_files *scm_files_load(struct ckpt_reader *r);
/* In link(): all of them are there. */
bool scm_files_valid(const struct scm_files *files);
void socket_cookie_seen(uint64_t cookie);

int unix_init(void);
int netlink_init(void);
/*
 * The sentry sends a netlink socket a message of its own. 0, -ENOTSOCK or -EINVAL if f is none,
 * -ENOBUFS, -ENOMEM. Without data only f is looked at.
 */
int netlink_deliver(struct file *f, const void *data, size_t len);
/* The contents of /proc/net/unix. */
void unix_proc_net(struct strbuf *out);

#endif
