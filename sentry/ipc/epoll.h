/* epoll's hook into file lifetime. */
#ifndef NV_SENTRY_IPC_EPOLL_H
#define NV_SENTRY_IPC_EPOLL_H

#include <stdint.h>

struct file;

/* The last reference to f goes: every epoll set forgets it. */
void epoll_file_released(struct file *f);

/* All objects of a restored sandbox exist: its sets look at their files. 0 or negative errno. */
int epoll_restored(void);

/* How many watches a user may have: fs/epoll/max_user_watches. */
uint64_t epoll_watches_max(void);

#endif
