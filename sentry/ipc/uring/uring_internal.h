/* Rings and requests. */
#ifndef NV_SENTRY_IPC_URING_URING_INTERNAL_H
#define NV_SENTRY_IPC_URING_URING_INTERNAL_H

#include <limits.h>

#include "base/hash.h"
#include "sentry/ipc/uring/abi.h"
#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

struct cred;
struct msg;
struct msghdr;

#define URING_QUEUES_MAX 4
#define URING_PENDING_MAX 8192 /* requests of a ring that wait */
#define URING_REQS_MAX 65536   /* of a ring, those of chains and behind drained ones included */
#define URING_OVERFLOW_MAX 65536
#define URING_BUCKETS 128
#define URING_LEN_MAX 0x7ffff000UL /* MAX_RW_COUNT */
#define URING_MSHOT_MAX 32         /* results in a row: MULTISHOT_MAX_RETRY */

/* In shared memory: the guest may change any of it at any time. */
struct uring_shared {
    uint32_t sq_head, sq_tail, sq_mask, sq_entries, sq_flags, sq_dropped;
    uint32_t pad1[10];
    uint32_t cq_head, cq_tail, cq_mask, cq_entries, cq_overflow, cq_flags;
    uint32_t pad2[10];
};

struct uring_cqe { /* of either size */
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
    uint64_t extra[2];
};

/* A registered file or buffer. Requests that use one hold it: its tag is told when all are done. */
struct uring_rsrc {
    unsigned int refs;
    uint64_t tag;
    struct file *file; /* NULL: a buffer */
    struct iovec buf;
};

struct uring_table {
    struct uring_rsrc **v; /* entries may be NULL */
    uint32_t n;
};

struct uring_limits { /* IORING_REGISTER_RESTRICTIONS */
    bool set, on;
    uint64_t ops, registers; /* bits */
    uint8_t flags_allowed, flags_required;
};

#define URING_PERSONALITIES_MAX 64
struct uring_personality {
    uint16_t id; /* 0: free */
    struct cred *cred;
};

struct uring {
    struct list ring_node;       /* of all rings */
    unsigned int refs;           /* the file's, and one for each request */
    struct file *mem;            /* a tmpfs file: rings, then entries; owned */
    struct uring_shared *shared; /* mapped, with all that follows */
    uint32_t *array;             /* NULL: IORING_SETUP_NO_SQARRAY */
    char *cqes, *sqes;
    uint32_t cqe_size, sqe_size;
    size_t rings_len, sqes_len;
    uint32_t sq_entries, cq_entries; /* powers of two; ours, not the guest's */
    uint32_t sq_head, cq_tail;       /* ours: the guest's copies are written, never read */
    uint64_t posted, timeouts;       /* completions but those of timeouts, and those */
    uint32_t setup;                  /* IORING_SETUP_* */
    bool disabled, dead;
    bool as_thread;                     /* a completion is posted that would be a thread's:
                                           IORING_REGISTER_EVENTFD_ASYNC */
    pid_t issuer;                       /* the only task that may submit; 0: anyone */
    struct list pending, ready;         /* struct uring_req; ready ones wait for their task */
    struct list counting;               /* of timeouts that end with a number of completions */
    struct list running;                /* their call is under way, and may sleep */
    struct list held;                   /* chains that wait for all before them: IOSQE_IO_DRAIN */
    struct list buckets[URING_BUCKETS]; /* requests that have begun, by user_data */
    uint32_t nreqs, nheld;
    size_t vector_bytes;        /* that its requests have copied */
    struct uring_cqe *overflow; /* that did not fit, the oldest first */
    uint32_t noverflow, overflow_cap;
    struct waitq wq; /* completions: tasks in io_uring_enter(2), pollers */
    struct file *eventfd;
    bool eventfd_async;
    struct uring_table files, bufs;
    uint32_t alloc_from, alloc_to, alloc_hint; /* where IORING_FILE_INDEX_ALLOC looks */
    struct uring_limits limits;
    struct uring_personality personalities[URING_PERSONALITIES_MAX];
    uint16_t last_personality;
    struct hash groups; /* struct kbuf_group: kbuf.c */
    struct list all_groups;
};

struct uring_req;

struct uring_waiter {
    struct waiter w;
    struct uring_req *r;
};

struct kbuf { /* a provided buffer that a request has taken */
    bool taken, from_ring;
    uint16_t bgid, bid, head;
    uint64_t addr;
    uint32_t len;
};

struct uring_req {
    struct list node;   /* in one of the ring's lists */
    struct list bucket; /* and of its buckets */
    struct poll_table pt;
    struct uring *ring;
    struct task *task;       /* whose it is; owned */
    struct io_uring_sqe sqe; /* copied once */
    const struct uring_op *op;
    struct file *file;       /* NULL: not needed, or not there */
    struct file *from;       /* of splice and tee; owned */
    struct file *watched;    /* while it waits: file, or from */
    struct uring_rsrc *rsrc; /* that file is of; owned */
    struct uring_rsrc *buf;  /* registered, that it uses; owned */
    struct uring_req *link;  /* to be started after this; owned */
    struct cred *cred;       /* IORING_REGISTER_PERSONALITY; NULL: the task's */
    uint32_t events;         /* that it waits for; 0: it runs, or is to run */
    uint32_t cflags;         /* IORING_CQE_F_* of its result */
    bool armed, done, held, begun, runs, waited, multishot, polled, has_res, drain;
    uint64_t extra[2];
    struct kbuf kbuf;
    struct uio *uio;       /* readv, writev: as when submitted; owned */
    struct uring_msg *msg; /* recvmsg, sendmsg, and addresses; owned */
    size_t vector_bytes;   /* of these */
    long moved, res;       /* MSG_WAITALL: so far; a result that waits for its task */
    /* A linked time limit and the request it limits: they know each other while that runs. */
    struct uring_req *limit, *limited;
    long want;          /* reads and writes: less breaks a chain */
    uint64_t target;    /* timeouts: the number of completions that end it; UINT64_MAX: none */
    struct timespec ts; /* of timeouts */
    uint32_t repeats;
    int nwaiters;
    struct uring_waiter waiters[URING_QUEUES_MAX];
    struct ktimer timer, free_timer;
};

#define URING_WAITS LONG_MIN /* no result yet */

/* --- ring.c --- */
extern struct list urings;
/* False: there is no room, nor can it be kept: it is lost, and counted. */
bool uring_post(struct uring *u, const struct uring_cqe *c);
/* Like it, but only if it fits in the queue itself. */
bool uring_post_if_room(struct uring *u, const struct uring_cqe *c);
void uring_flush_overflow(struct uring *u);
uint32_t uring_cq_ready(const struct uring *u);
void uring_put(struct uring *u);
/* There is work that a task has to do; first: there was none. */
void uring_tell_work(struct uring *u, bool first);
bool uring_enabled(void);

/* --- enter.c --- */
struct uring_task { /* of a task: rings by number, IORING_REGISTER_RING_FDS */
    struct file *rings[16];
};
/* The ring's file; -EBADF, -EOPNOTSUPP. */
int uring_get(struct task *t, int fd, bool registered, struct file **out);
int uring_task_use(struct task *t); /* from now on it has such numbers; -ENOMEM */
long uring_ringfds(struct task *t, uint64_t arg, uint32_t n, bool add);

/* --- request.c --- */
struct uring_req *uring_req_new(struct uring *u, struct task *t, const struct io_uring_sqe *sqe);
void uring_req_start(struct uring_req *r);
/* The chain waits until all requests before it are complete. */
void uring_chain_hold(struct uring_req *first);
/* It waits in the ring until f has something of events, or for good (0; f is NULL). */
void uring_req_wait(struct uring_req *r, struct file *f, uint32_t events, bool look);
/* Its turn comes again after others'. */
void uring_req_again(struct uring_req *r);
void uring_req_complete(struct uring_req *r, long res);
/* A result of several. False: there is no room, this one has to be the last. */
bool uring_req_more(struct uring_req *r, long res);
void uring_timeouts_check(struct uring *u);
/* It has a copy of such a vector: -ENOMEM if that is too much for its ring, or for all. */
int uring_req_charge(struct uring_req *r, const struct uio *vector);
/* Its turn comes once more, to be told as cancelled. */
void uring_req_doom(struct uring_req *r);
void uring_run_ready(struct uring *u, struct task *t);

/* --- cancel.c --- */
struct uring_req *uring_find(struct uring *u, uint64_t user_data, int op);
void uring_req_rename(struct uring_req *r, uint64_t user_data); /* it has begun */
struct uring_match {
    uint32_t flags; /* IORING_ASYNC_CANCEL_* */
    uint64_t user_data;
    const struct file *file;
    uint8_t opcode;
};
long uring_cancel(struct uring *u, const struct uring_match *m); /* 0 or how many, or -errno */
void uring_cancel_all(struct uring *u);
void uring_task_cancel(struct task *t, bool exec);

/* --- ops.c --- */
enum uring_op_flags {
    UOP_FILE = 1,    /* takes a descriptor */
    UOP_SELECT = 2,  /* may take provided buffers */
    UOP_IOPRIO = 4,  /* has a use for ioprio */
    UOP_QUIET = 8,   /* made where signals to the caller do not arrive: SIGXFSZ */
    UOP_THREAD = 16, /* Linux makes it in a thread of its own, always */
};
struct uring_op {
    int (*prep)(struct uring_req *r);   /* when submitted: what is wrong with the entry; NULL: 0 */
    long (*issue)(struct uring_req *r); /* a result, or URING_WAITS */
    unsigned int flags;
};
const struct uring_op *uring_op(unsigned int opcode); /* NULL: there is none */
/* A system call for the request's task, FD_LENT being its file. slot: as in sqe->file_index. */
long uring_call(struct uring_req *r, syscall_fn *fn, const struct sysargs *a, uint32_t slot);
#define URING_CALL(r, slot, name, ...)                                                             \
    uring_call(r, sys_##name, &(struct sysargs){.nr = SYS_##name, .arg = {__VA_ARGS__}}, slot)
/* The number that sqe->fd's file has for a call. */
uint64_t uring_fd(const struct uring_req *r);
/* Does it wait? -EAGAIN as a result if it may not. */
long uring_must_wait(struct uring_req *r, struct file *f, uint32_t events, bool look);
bool uring_file_ready(const struct uring_req *r, uint32_t events);

/* rw.c, net.c, poll.c, kbuf.c, message.c: rows of the table. */
int uring_prep_rw(struct uring_req *r), uring_prep_rwv(struct uring_req *r);
int uring_prep_read_mshot(struct uring_req *r);
long uring_do_rw(struct uring_req *r);
int uring_prep_accept(struct uring_req *r), uring_prep_recv(struct uring_req *r);
int uring_prep_send(struct uring_req *r), uring_prep_connect(struct uring_req *r);
long uring_do_accept(struct uring_req *r), uring_do_recv(struct uring_req *r);
long uring_do_send(struct uring_req *r), uring_do_connect(struct uring_req *r);
void uring_msg_free(struct uring_msg *m);
int uring_prep_poll(struct uring_req *r), uring_prep_poll_remove(struct uring_req *r);
long uring_do_poll(struct uring_req *r), uring_do_poll_remove(struct uring_req *r);
int uring_prep_timeout(struct uring_req *r), uring_prep_timeout_remove(struct uring_req *r);
int uring_prep_limit(struct uring_req *r);
long uring_do_timeout(struct uring_req *r), uring_do_timeout_remove(struct uring_req *r);
int uring_prep_cancel(struct uring_req *r);
long uring_do_cancel(struct uring_req *r);
int uring_prep_provide(struct uring_req *r), uring_prep_remove(struct uring_req *r);
long uring_do_provide(struct uring_req *r), uring_do_remove(struct uring_req *r);
int uring_prep_msg_ring(struct uring_req *r);
long uring_do_msg_ring(struct uring_req *r);

/* --- poll.c --- */
uint64_t uring_deadline(const struct uring_req *r);
/* A timer of a request has run out, on the loop or in its task. */
void uring_timer_expired(struct uring_req *r, bool in_task);
long uring_sync_cancel(struct task *t, struct uring *u, uint64_t arg, uint32_t n);

/* --- kbuf.c: provided buffers --- */
/* Takes the next of sqe->buf_group; *len is what is wanted (0: all of it), and then what it has. */
int kbuf_select(struct uring_req *r, uint64_t *addr, size_t *len);
void kbuf_recycle(struct uring_req *r);          /* it was not used */
void kbuf_commit(struct uring_req *r, size_t n); /* n bytes were; tells in cflags */
long kbuf_ring_register(struct task *t, struct uring *u, uint64_t arg, uint32_t n);
long kbuf_ring_unregister(struct task *t, struct uring *u, uint64_t arg, uint32_t n);
long kbuf_ring_status(struct task *t, struct uring *u, uint64_t arg, uint32_t n);
struct file *kbuf_ring_memory(struct uring *u, uint16_t bgid, size_t *len); /* borrowed */
void kbuf_drop_all(struct uring *u);

/* --- rsrc.c: registered files and buffers --- */
struct uring_rsrc *rsrc_get(const struct uring_table *tab, uint32_t i); /* NULL: none */
void rsrc_put(struct uring *u, struct uring_rsrc *n);
void rsrc_drop_all(struct uring *u, struct uring_table *tab);
/* Puts a file where sqe->file_index says, taking it: 0, the number it got, or negative errno. */
long rsrc_install(struct uring *u, struct file *f, uint32_t slot);
long rsrc_remove_file(struct uring *u, uint32_t slot);
/* Puts n descriptors at addr in place of those registered from off on: how many, or -errno. */
long rsrc_update_files(struct task *t, struct uring *u, uint64_t addr, uint64_t tags, uint32_t off,
                       uint32_t n);
long rsrc_files_update_op(struct uring_req *r);
long rsrc_register(struct task *t, struct uring *u, unsigned int op, uint64_t arg, uint32_t n);
bool rsrc_registers(unsigned int op);

/* --- register.c --- */
long uring_register(struct task *t, struct uring *u, unsigned int op, uint64_t arg, uint32_t n);
struct cred *uring_personality(struct uring *u, uint32_t id); /* borrowed; NULL: there is none */
void uring_unregister_all(struct uring *u);

#endif
