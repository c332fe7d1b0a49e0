/* What the three kinds of System V objects share. */
#ifndef NV_SENTRY_IPC_SYSV_SYSV_INTERNAL_H
#define NV_SENTRY_IPC_SYSV_SYSV_INTERNAL_H

#include <stdbool.h>
#include <sys/ipc.h>

#include "ckpt/record.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/waitq.h"

struct file;

struct ipc_object {
    enum ipc_kind kind;
    int id, key;
    uid_t uid, cuid;
    gid_t gid, cgid;
    mode_t mode;
};

struct ipc_create {
    int key, flags;
    /* New object, already with everything but its place; -errno. */
    int (*make)(struct task *t, struct ipc_ns *ns, const struct ipc_create *c,
                struct ipc_object **out);
    void (*discard)(struct ipc_ns *ns, struct ipc_object *o);            /* it found no place */
    int (*fits)(const struct ipc_object *o, const struct ipc_create *c); /* may be NULL */
    uint64_t size; /* shm: bytes; sem: number */
};

/* The get calls, ipc/util.c ipcget(): an id or negative errno. */
long ipc_get(struct task *t, enum ipc_kind kind, const struct ipc_create *c);
/* By id (-EINVAL) or, for the STAT commands of indexes, by index. NULL: there is none. */
struct ipc_object *ipc_find(struct ipc_ns *ns, enum ipc_kind kind, int id);
struct ipc_object *ipc_find_index(struct ipc_ns *ns, enum ipc_kind kind, int index);
/* What IPC_STAT (an id) and *_STAT, *_STAT_ANY (an index) are about. 0 or a negative errno. */
int ipc_find_stat(struct task *t, enum ipc_kind kind, int id, bool is_index, bool any,
                  struct ipc_object **out);
/* Takes it out of the table; memory stays the caller's matter. */
void ipc_remove(struct ipc_ns *ns, struct ipc_object *o);
/* The highest index in use, 0: none. */
int ipc_max_index(const struct ipc_ns *ns, enum ipc_kind kind);
/* 0 or -EACCES: wanted is of S_IRUGO, S_IWUGO, S_IXUGO. */
int ipc_permitted(const struct task *t, const struct ipc_object *o, int wanted);
/* IPC_SET and IPC_RMID are for the owner, the creator and CAP_SYS_ADMIN: 0 or -EPERM. */
int ipc_owned(const struct task *t, const struct ipc_object *o);
void ipc_set_perm(struct ipc_object *o, const struct ipc_perm *in);
void ipc_show_perm(const struct ipc_object *o, struct ipc_perm *out);
int64_t ipc_time(void); /* seconds of the wall clock */

#define ipc_for_each(i, o, ns, kind_)                                                              \
    for ((i) = 0; (i) < (ns)->ids[kind_].cap; (i)++)                                               \
        if (((o) = (ns)->ids[kind_].slot[i]))

/* Restoring: an object takes the place its id says; false if it is taken. */
bool ipc_place(struct ipc_ns *ns, struct ipc_object *o);
extern const struct ckpt_field ipc_object_fields[];
extern const unsigned int ipc_object_nfields;

/* --- shared memory --- */
#define SHM_DESTROYED 01000 /* of mode: IPC_RMID was done, it goes with the last attachment */
#define SHM_IS_LOCKED 02000

struct shm_segment {
    struct ipc_object o;
    unsigned int refs; /* the table's and one for each of: */
    struct ipc_ns *ns; /* weak; NULL: out of the table */
    struct list attaches;
    struct file *file; /* of its memory */
    uint64_t size;
    int64_t atime, dtime, ctime;
    pid_t cpid, lpid;
};

extern const struct ckpt_type ckpt_shm;
void shm_ns_exit(struct ipc_ns *ns);
unsigned long shm_attached(const struct shm_segment *s);

/* --- semaphores --- */
#define SEM_VALUE_MAX_K 32767

struct sem {
    int val;
    pid_t pid; /* of the last change */
};

struct sem_set {
    struct ipc_object o;
    struct list pending; /* of struct sem_queue, in the order they came */
    int64_t otime, ctime;
    uint32_t nsems;
    struct sem sems[];
};

/* What a process has to undo in one set. */
struct sem_undo {
    struct list node;
    int id;
    uint32_t nsems;
    int16_t adj[];
};

struct sem_undo_list { /* shared by CLONE_SYSVSEM */
    unsigned int refs;
    struct ipc_ns *ns; /* owned */
    struct list node;  /* in ns->undo_lists */
    struct list undos;
};

struct sem_set *sem_set_new(uint32_t nsems);
void sem_ns_exit(struct ipc_ns *ns);
struct sem_undo_list *sem_undo_list_new(struct ipc_ns *ns); /* no references */

/* --- messages --- */
struct msg {
    struct list node;
    long type;
    size_t len;
    char text[];
};

struct msg_queue {
    struct ipc_object o;
    struct list msgs;
    struct waitq senders, receivers;
    unsigned int refs; /* the table's, and those of sleepers */
    bool removed;
    uint64_t cbytes, qbytes;
    uint32_t qnum;
    int64_t stime, rtime, ctime;
    pid_t lspid, lrpid;
};

struct msg_queue *msg_queue_new(void);
/* -ENOMEM, also when the namespace holds as much as it may. */
struct msg *msg_new(size_t len);
void msg_free(struct msg *m);
void msg_append(struct ipc_ns *ns, struct msg_queue *q, struct msg *m);
void msg_ns_exit(struct ipc_ns *ns);

#endif
