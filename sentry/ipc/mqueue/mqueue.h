/* POSIX message queues: mq_overview(7). What namespaces and mount(2) need of them. */
#ifndef NV_SENTRY_IPC_MQUEUE_MQUEUE_H
#define NV_SENTRY_IPC_MQUEUE_MQUEUE_H

#include <stdbool.h>

struct ipc_ns;
struct superblock;

/* The queues of the caller's namespace as a file system; one reference. 0 or -ENOMEM. */
int mqueue_super(struct superblock **out);
/* The namespace goes away; what is mounted or open stays. */
void mqueue_ns_exit(struct ipc_ns *ns);
/* A restored namespace has its mount back. False: that is no file system of queues. */
bool mqueue_ns_restored(struct ipc_ns *ns);

#endif
