/* epoll's hook into file lifetime. */
#ifndef NV_SENTRY_IPC_EPOLL_H
#define NV_SENTRY_IPC_EPOLL_H

struct file;

/* The last reference to f goes: every epoll set forgets it. */
void epoll_file_released(struct file *f);

/* All objects of a restored sandbox exist: its sets look at their files. 0 or negative errno. */
int epoll_restored(void);

#endif
