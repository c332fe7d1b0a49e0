/* Semaphore sets between their operations and semctl(2). */
#ifndef NV_SENTRY_IPC_SYSV_SEM_INTERNAL_H
#define NV_SENTRY_IPC_SYSV_SEM_INTERNAL_H

#include <sys/sem.h>

#include "sentry/ipc/sysv/sysv_internal.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"

#define SEM_UNDOS_MAX (1U << 21) /* adjustments that a namespace holds */

/* A call that waits, on its task's stack. */
struct sem_queue {
    struct list node; /* in sem_set.pending */
    struct waitq wq;
    struct sembuf *sops;
    unsigned int nsops, blocking; /* the operation that it waits for */
    struct sem_undo *undo;        /* goes no earlier than the set */
    pid_t pid;
    bool alters;
    int status; /* 1: it still waits */
};

static inline struct sem_set *sem_set_find(struct ipc_ns *ns, int id)
{
    struct ipc_object *o = ipc_find(ns, IPC_SEM, id);

    return o ? container_of(o, struct sem_set, o) : NULL;
}
/* Waiters whose turn has come go on. */
void sem_set_changed(struct sem_set *s);
void sem_set_remove(struct ipc_ns *ns, struct sem_set *s);
/* What was to be undone for semaphore num is not any more. */
#define UNDO_ALL (-1) /* for none of the set */
#define UNDO_SET (-2) /* the set is gone */
void sem_undo_forget(struct ipc_ns *ns, int id, int num);

#endif
