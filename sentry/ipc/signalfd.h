/* What checkpoints of epoll need of signalfd: whose signals a watch is about. */
#ifndef NV_SENTRY_IPC_SIGNALFD_H
#define NV_SENTRY_IPC_SIGNALFD_H

#include <stdbool.h>

struct file;
struct task;

bool is_signalfd(const struct file *f);
/* While it is set, polls concern this task instead of the current one. */
extern struct task *signalfd_poller;

#endif
