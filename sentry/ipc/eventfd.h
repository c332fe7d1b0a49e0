/* Counters that others in the sentry add to: AIO, io_uring. */
#ifndef NV_SENTRY_IPC_EVENTFD_H
#define NV_SENTRY_IPC_EVENTFD_H

#include <stdbool.h>
#include <stdint.h>

struct file;

bool is_eventfd(const struct file *f);
/* Never waits: the counter stops at its largest value. */
void eventfd_signal(struct file *f, uint64_t n);

#endif
