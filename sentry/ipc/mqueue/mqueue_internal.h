/* What the files of POSIX message queues share. */
#ifndef NV_SENTRY_IPC_MQUEUE_MQUEUE_INTERNAL_H
#define NV_SENTRY_IPC_MQUEUE_MQUEUE_INTERNAL_H

#include <mqueue.h>
#include <signal.h>

#include "ckpt/record.h"
#include "sentry/ipc/mqueue/mqueue.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define MQ_PRIO_MAX_K 32768
#define MQ_HARD_MSGS 65536
#define MQ_HARD_SIZE (16 << 20)
#define MQ_COOKIE_LEN 32

struct mq_attr_k { /* struct mq_attr of the system calls */
    int64_t flags, maxmsg, msgsize, curmsgs, reserved[4];
};

struct mq_msg {
    struct list node;
    uint32_t prio, len;
    char text[];
};

struct mq_notify {
    struct thread_group *owner; /* owned; NULL: nobody asked */
    int how, signo;             /* SIGEV_ */
    uint64_t value;
    struct file *sock; /* SIGEV_THREAD: netlink socket, owned */
    uint8_t cookie[MQ_COOKIE_LEN];
};

struct mqueue {       /* priv of a queue's inode */
    struct list node; /* of all queues */
    uid_t uid;        /* whose RLIMIT_MSGQUEUE it counts for */
    uint64_t charged;
    int64_t maxmsg, msgsize, curmsgs;
    uint64_t bytes;   /* in messages */
    struct list msgs; /* the highest priority first, then the oldest */
    int nreceivers;   /* asleep */
    struct waitq wq;
    struct mq_notify notify;
};

struct mq_name { /* in the root directory; holds the inode */
    struct list node;
    struct inode *inode;
    uint64_t cookie;
    uint8_t len;
    char name[];
};

struct mq_super {
    struct ipc_ns *ns; /* weak; NULL: it is gone */
    struct list names;
    uint64_t next_cookie;
    uint32_t count; /* queues with a name */
};

extern const struct super_ops mqueue_super_ops;
extern const struct inode_ops mqueue_dir_ops, mqueue_inode_ops;
extern const struct file_ops mqueue_file_ops;
extern const struct ckpt_type ckpt_mqueue_fs;

static inline struct mqueue *MQ(const struct inode *i)
{
    return i->priv;
}

/* queue.c */
struct mqueue *mqueue_alloc(void);
void mqueue_free(struct mqueue *q);
/* 0 with *q, or the errno that mq_open(3) gives for such attributes. attr NULL: the defaults. */
int mqueue_new(struct task *t, const struct ipc_ns *ns, const struct mq_attr_k *attr,
               struct mqueue **q);
uint64_t mqueue_charge(const struct mqueue *q);
/* NULL: out of memory, or all queues together hold too much. */
struct mq_msg *mq_msg_new(uint32_t len);
void mq_msg_free(struct mq_msg *m);
void mqueue_insert(struct mqueue *q, struct mq_msg *m);
/* Tells who asked for it that the queue, empty until now, is not any more. */
void mqueue_tell(struct mqueue *q, struct task *sender);
void mqueue_forget_notify(struct mqueue *q);

/* fs.c: dir is locked or does not park. Like create of inode_ops. */
int mqueue_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode,
                  const struct mq_attr_k *attr);
struct mount *mqueue_mount(struct ipc_ns *ns); /* NULL: out of memory. Borrowed */
void mqueue_names_free(struct mq_super *s);
/* ckpt.c */
void mqueue_save_inode(struct ckpt_writer *w, struct inode *i);
void mqueue_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);
void mqueue_restore_inode(struct ckpt_reader *r, struct inode *i);

#endif
