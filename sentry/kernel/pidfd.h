/* What pidfds stand for: shared by pidfd.c, pidfd_info.c and those who take them as arguments. */
#ifndef NV_SENTRY_KERNEL_PIDFD_H
#define NV_SENTRY_KERNEL_PIDFD_H

#include <fcntl.h>

#include "sentry/kernel/task.h"

struct file;

#define PIDFD_THREAD_K O_EXCL /* include/uapi/linux/pidfd.h */
#define PIDFD_INODE_MODE 0700 /* no other anonymous file has it */
#define PID_FS_MAGIC_K 0x50494446

/* A thread that pidfds stand for, which they share. A group's leader needs none. */
struct pid_thread {
    unsigned int refs;
    struct thread_group *tg;
    struct task *task; /* weak; NULL: gone, or it has become its group's leader */
    bool exited;
    int exit_code; /* wait status, when it is gone */
    struct waitq wait;
};

/* The process, or that of the thread; NULL: not a pidfd. Borrowed. */
struct thread_group *pidfd_group(struct task *t, int fd);
/* False: not a pidfd. *o is the thread, or a process's leader; NULL: gone. Borrowed. */
bool pidfd_target(const struct file *f, struct task **o);
/* The wait status of what is gone. */
int pidfd_exit_code(const struct file *f);
/* A thread has ended; its number is free. */
void pidfd_thread_exited(struct task *t);
void pidfd_thread_gone(struct task *t);
/* Namespaces, PIDFD_GET_INFO: pidfd_info.c */
long pidfd_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg);

#endif
