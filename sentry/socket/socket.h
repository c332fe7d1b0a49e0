/*
 * Sockets: what a protocol family implements. A family registers once; socket(2) asks it to make a
 * struct socket. The system calls are in syscalls.c and know no family.
 */
#ifndef NV_SENTRY_SOCKET_SOCKET_H
#define NV_SENTRY_SOCKET_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sentry/kernel/uaccess.h"
#include "sentry/vfs/file.h"

struct socket;

#define SCM_FDS_MAX 253

struct scm { /* ancillary data in flight */
    struct file **files;
    int nfiles;
    struct ucred cred;
    bool has_cred;
};
void scm_release(struct scm *scm);

struct msg { /* sendmsg/recvmsg after the guest's headers were fetched */
    struct uio uio;
    int flags;                     /* MSG_* asked for */
    struct sockaddr_storage addr;  /* send: destination; recv: source */
    socklen_t addrlen;             /* 0: none */
    struct scm scm;
    int out_flags;                 /* recv: MSG_TRUNC, MSG_EOR... */
};

struct socket_ops {
    int (*bind)(struct task *t, struct socket *s, const struct sockaddr *a, socklen_t len);
    int (*connect)(struct task *t, struct socket *s, const struct sockaddr *a, socklen_t len,
                   int flags);
    int (*listen)(struct task *t, struct socket *s, int backlog);
    int (*accept)(struct task *t, struct socket *s, struct socket **out, int flags);
    ssize_t (*send)(struct task *t, struct socket *s, struct msg *m, int flags);
    ssize_t (*recv)(struct task *t, struct socket *s, struct msg *m, int flags);
    int (*shutdown)(struct socket *s, int how);
    int (*getname)(struct socket *s, struct sockaddr_storage *a, socklen_t *len, bool peer);
    int (*getsockopt)(struct task *t, struct socket *s, int level, int opt, void *val,
                      socklen_t *len);
    int (*setsockopt)(struct task *t, struct socket *s, int level, int opt, const void *val,
                      socklen_t len);
    uint32_t (*poll)(struct socket *s, struct poll_table *pt);
    long (*ioctl)(struct task *t, struct socket *s, unsigned int cmd, unsigned long arg);
    void (*release)(struct socket *s);
};

struct socket { /* first member of each family's own object */
    const struct socket_ops *ops;
    int family, type, protocol;
    struct file *file; /* weak */
    uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: none */
    int sndbuf, rcvbuf, error;
    bool reuseaddr, keepalive, passcred, broadcast, oobinline;
    struct linger linger;
    int priority;
};

typedef int (*socket_create_fn)(struct task *t, int type, int protocol, struct socket **out);
int socket_family_register(int family, socket_create_fn create,
                           int (*pair)(struct task *t, int type, int protocol,
                                       struct socket **a, struct socket **b));
void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type,
                 int protocol);
/* A file over s, which it owns from now on. NULL: out of memory, s was released. */
struct file *socket_file(struct socket *s, int flags);
struct socket *socket_of(struct file *f); /* NULL: no socket */
int unix_init(void);
int netlink_init(void);

#endif
