/* epoll's hook into file lifetime. */
#ifndef NV_SENTRY_IPC_EPOLL_H
#define NV_SENTRY_IPC_EPOLL_H

struct file;

/* The last reference to f goes: every epoll set forgets it. */
void epoll_file_released(struct file *f);

#endif
