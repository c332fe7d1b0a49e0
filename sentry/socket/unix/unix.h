/*
 * What the files of AF_UNIX share.
 *
 * References: the file (or the accept queue) holds a socket, a socket holds its peer, a queued
 * packet its sender. A connection's ends keep each other until each is released itself; `dead` says
 * that the other's release has been.
 */
#ifndef NV_SENTRY_SOCKET_UNIX_H
#define NV_SENTRY_SOCKET_UNIX_H

#include "base/macros.h"
#include "sentry/ipc/ring.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket.h"

enum unix_state { UNIX_CLOSED, UNIX_LISTEN, UNIX_CONNECTED };

#define SHUT_RCV 1
#define SHUT_SEND 2
#define SHUT_BOTH 3
#define UNIX_NAMELESS sizeof(sa_family_t)

/*
 * Where in a stream the sender changed, descriptors came along or an urgent byte lies. An urgent
 * byte that was received alone is gone: its place in the ring stays, and is told by SIOCATMARK,
 * until readers come to it.
 */
struct unix_mark {
    struct list node;
    uint64_t start, end; /* end: of the message with the descriptors; of the urgent byte */
    struct ucred cred;
    struct scm_files *files;
    bool urgent, gone;
};

struct unix_packet {
    struct list node;
    struct unix_sock *from; /* reference */
    size_t len, charge;
    struct scm scm;
    bool peeked; /* empty, and looked at once */
    char data[];
};

struct unix_sock {
    struct socket s;
    unsigned int refs;
    enum unix_state state;
    uint8_t shut;
    bool dead, binding;
    uint64_t net; /* id of the network namespace that abstract names are of */
    struct unix_sock *peer;
    struct waitq wq;       /* this end became readable or writable */
    struct waitq space_wq; /* senders and connecters that wait for this queue to shrink */
    struct list all_node;

    struct sockaddr_un addr;
    socklen_t addrlen;
    struct list name_node; /* abstract names */
    struct path path;      /* bound to it; keeps its mount */
    struct inode *inode;

    struct ring ring; /* streams */
    uint64_t head;    /* bytes ever read */
    struct list marks;
    struct unix_mark *oob; /* the last urgent byte, while it is to be told from the others */
    size_t gone;           /* bytes of the ring that are not there any more */
    struct ucred head_cred, tail_cred; /* of the bytes at the ring's ends */

    struct list packets; /* datagrams and sequenced packets */
    int npackets;
    size_t wmem;                      /* charged for what we sent and nobody read yet */
    struct list clients, client_node; /* datagram sockets connected to this one */

    struct list accept_queue, accept_node;
    int backlog, npending;
    struct ucred peer_cred;
    struct thread_group *peer_tg; /* that process, gone or not: SO_PEERPIDFD; NULL: unknown */
    struct cred *peer_groups;     /* whose groups SO_PEERGROUPS tells */

    int inflight; /* references to our file in queues */
    struct list inflight_node, gc_node;
    int gc_refs;
    bool gc_candidate;
};

extern const struct socket_ops unix_ops;
extern struct list unix_all;

static inline struct unix_sock *unix_of(struct socket *s)
{
    return container_of(s, struct unix_sock, s);
}
extern const struct socket_ckpt unix_ckpt;
/* Whom the peer sees as this end: SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD. */
void unix_set_peer(struct unix_sock *u, struct task *who);
void unix_copy_peer(struct unix_sock *u, const struct unix_sock *from);
struct unix_sock *unix_new(int type);
void unix_sock_init(struct unix_sock *u, int type); /* of zeros */
struct unix_sock *unix_get(struct unix_sock *u);
void unix_put(struct unix_sock *u);
void unix_release(struct socket *s);
static inline bool unix_connects(const struct unix_sock *u)
{
    return u->s.type != SOCK_DGRAM;
}
static inline void unix_wake(struct unix_sock *u, uint32_t events)
{
    waitq_wake(&u->wq, events);
}
#define UNIX_READABLE (EPOLLIN | EPOLLRDNORM)
#define UNIX_WRITABLE (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)
#define UNIX_HANGUP (UNIX_READABLE | UNIX_WRITABLE | EPOLLHUP | EPOLLRDHUP)
/* Pollers see room when a quarter is left: unix_writable() of net/unix/af_unix.c. */
bool unix_writable(const struct unix_sock *u);

/* names.c */
int unix_bind(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len);
int unix_autobind(struct unix_sock *u); /* nothing when bound */
void unix_unbind(struct unix_sock *u);
int unix_check_addr(const void *sa, socklen_t len);
/* The socket bound to an address: 0 with a reference in *out. May park. */
int unix_find(struct task *t, const void *sa, socklen_t len, int type, struct unix_sock **out);

/* connect.c */
int unix_listen(struct task *t, struct socket *s, int backlog);
int unix_connect(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len,
                 int flags);
int unix_accept(struct task *t, struct socket *s, struct socket **out, int flags);
int unix_pair(struct task *t, int type, int protocol, struct socket **a, struct socket **b);
/* The peer's end of a connection that u leaves by being released. */
void unix_leave(struct unix_sock *u, bool embryo);
void unix_dgram_disconnect(struct unix_sock *u);

/* Checkpoints: u has the abstract name that is its address. -EADDRINUSE. */
int unix_name_restored(struct unix_sock *u);

/* stream.c */
ssize_t unix_stream_send(struct task *t, struct unix_sock *u, struct msg *m, int flags);
ssize_t unix_stream_recv(struct task *t, struct unix_sock *u, struct msg *m, int flags);
void unix_stream_purge(struct unix_sock *u);
bool unix_stream_unread(const struct unix_sock *u);
bool unix_stream_at_mark(const struct unix_sock *u);

/* packet.c */
ssize_t unix_packet_send(struct task *t, struct unix_sock *u, struct msg *m, int flags);
ssize_t unix_packet_recv(struct task *t, struct unix_sock *u, struct msg *m, int flags);
void unix_packet_purge(struct unix_sock *u);
/* A queued packet for a checkpoint; NULL: out of memory. */
struct unix_packet *unix_packet_new(size_t len);
bool unix_queue_full(const struct unix_sock *u);

/* What both do about addresses, credentials and descriptors. */
void unix_sender(const struct unix_sock *from, struct msg *m);
bool unix_wants_cred(const struct unix_sock *u);
void unix_cred(struct task *t, const struct unix_sock *u, const struct unix_sock *to,
               const struct msg *m, struct ucred *out);
static inline bool ucred_equal(const struct ucred *a, const struct ucred *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* inflight.c */
int unix_inflight_check(struct task *t, const struct scm_files *files); /* -ETOOMANYREFS */
void unix_inflight_add(const struct scm_files *files);
void unix_inflight_del(const struct scm_files *files);
/* Drops queued files, which were counted. */
void unix_files_drop(struct scm_files *files);
/* Frees sockets that only queues of each other refer to. */
void unix_gc(void);

#endif
