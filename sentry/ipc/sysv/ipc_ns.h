/*
 * IPC namespaces: ipc_namespaces(7). Each has its own shared memory segments, semaphore sets and
 * message queues of System V, with their limits, and its own POSIX message queues. Tasks hold their
 * namespace; what is still attached or open outlives it.
 */
#ifndef NV_SENTRY_IPC_SYSV_IPC_NS_H
#define NV_SENTRY_IPC_SYSV_IPC_NS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct ckpt_type;
struct ipc_object;
struct mount;
struct strbuf;
struct task;
struct user_ns;

#define IPC_MNI_MAX 32768 /* objects of one kind: Linux's IPCMNI */

struct ipc_ids {
    struct ipc_object **slot; /* by index; ids are sequence number * IPC_MNI_MAX + index */
    int cap, in_use, last;
    uint16_t seq;
};

enum ipc_kind { IPC_SHM, IPC_SEM, IPC_MSG, IPC_KINDS };

struct ipc_ns {
    unsigned int refs;
    uint64_t id;           /* 0: the first */
    bool counted;          /* in ns_count_add() */
    struct user_ns *owner; /* NULL: the first; owned */
    struct ipc_ids ids[IPC_KINDS];
    uint64_t shm_max, shm_all; /* bytes, pages */
    uint32_t shm_mni, msg_max, msg_mnb, msg_mni;
    uint32_t sem_msl, sem_mns, sem_opm, sem_mni;
    uint64_t shm_pages;       /* of all segments */
    uint32_t sems, sem_undos; /* in sets; adjustments held for undoing */
    uint64_t msg_bytes;       /* of texts */
    uint32_t msg_count;
    struct list undo_lists; /* struct sem_undo_list */
    /* sentry/ipc/mqueue */
    struct mount *mqueue; /* owned, in no tree; NULL: not yet made */
    uint32_t mq_queues_max, mq_msg_max, mq_msgsize_max, mq_msg_default, mq_msgsize_default;
};

struct ipc_ns *ipc_ns_new(void); /* with Linux's limits */
/* A further one. 0, -ENOSPC or -ENOMEM. */
int ipc_ns_make(struct user_ns *owner, struct ipc_ns **out);
struct ipc_ns *ipc_ns_get(struct ipc_ns *ns);
void ipc_ns_put(struct ipc_ns *ns); /* NULL: nothing */
/* The first process's. */
struct ipc_ns *ipc_ns_root(void);

/* A task is made, with flags of clone(2); or ends. 0 or -ENOMEM. */
int ipc_task_clone(struct task *parent, struct task *child, uint64_t flags);
void ipc_task_exit(struct task *t);
/* unshare(CLONE_SYSVSEM): its adjustments are made now. */
void sem_undo_exit(struct task *t);

/* /proc/sysvipc */
int shm_proc_fill(struct task *t, struct strbuf *out);
int sem_proc_fill(struct task *t, struct strbuf *out);
int msg_proc_fill(struct task *t, struct strbuf *out);

extern const struct ckpt_type ckpt_ipc_ns, ckpt_sem_undo;

#endif
