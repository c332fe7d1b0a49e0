/* What epoll shares with its checkpoints. */
#ifndef NV_SENTRY_IPC_EPOLL_INTERNAL_H
#define NV_SENTRY_IPC_EPOLL_INTERNAL_H

#include "sentry/ipc/epoll.h"
#include "sentry/vfs/file.h"

#define QUEUES_MAX 4
#define WATCHES_MAX 1000000

struct epoll_item;

struct item_waiter {
    struct waiter w;
    struct epoll_item *item;
};

struct epoll_item {
    struct epoll *ep;
    struct file *file; /* weak: the file's release removes the item */
    int fd;
    struct epoll_item *hash_next;
    struct list file_node;  /* in file->epoll_items */
    struct list ready_node; /* in ep->ready, or unlinked */
    struct list all_node;
    uint32_t number; /* in the set, while it is saved or restored */
    uint64_t seq;    /* of all that were ever added: the youngest is told first */
    uint32_t events;
    uint64_t data;
    struct item_waiter waiters[QUEUES_MAX];
    int nwaiters;
};

struct epoll_params_k { /* struct epoll_params, which older headers do not have */
    uint32_t busy_poll_usecs;
    uint16_t busy_poll_budget;
    uint8_t prefer_busy_poll, pad;
};

struct epoll {
    struct list ready, all;
    struct waitq wq;      /* tasks in epoll_wait: one is woken at a time */
    struct waitq poll_wq; /* pollers of the set itself */
    struct file *self;    /* weak */
    unsigned int count, nbuckets;
    uint64_t visited; /* by the loop check with this number, which found depth */
    int depth;
    uid_t uid; /* who made it has each item charged */
    struct user_counts *user;
    struct epoll_item **table;
    struct epoll_params_k params;
    struct epoll_saved *saved; /* while a restore is under way: its items */
    struct list restored_node;
};

extern const struct file_ops epoll_ops;
extern const struct ckpt_type ckpt_epoll;
int epoll_restore(struct file *f);
struct epoll *epoll_new(void);
/* What holds and was asked for. */
uint32_t epoll_item_poll(struct epoll_item *it);
struct epoll_item *epoll_item_find(struct epoll *ep, struct file *f, int fd);
/* 0 or negative errno; the item is the last of ep->all. */
int epoll_item_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev);

#endif
