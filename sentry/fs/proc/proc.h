/* Internals of procfs: the tables of files and what fills them. */
#ifndef NV_SENTRY_FS_PROC_PROC_H
#define NV_SENTRY_FS_PROC_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strbuf.h"

struct file;
struct inode;
struct path;
struct task;

enum proc_kind {
    PROC_DIR,
    PROC_FILE,
    PROC_LINK,
    PROC_PIDDIR,
    PROC_FDDIR,
    PROC_FDINFODIR,
    PROC_FD,
    PROC_FDINFO,
    PROC_TASKDIR,
    PROC_MEM,
    PROC_SPECIAL /* opened by the entry's own function; the sandbox's user is its owner */
};

/* One name. Files have fill, links target or follow; dirs have children (ended by a NULL name). */
struct proc_entry {
    const char *name;
    enum proc_kind kind;
    mode_t mode;
    /* t is the task a per-process file is about, or NULL. */
    int (*fill)(struct task *t, struct strbuf *out);
    int (*target)(struct task *t, struct strbuf *out);
    int (*follow)(struct task *t, struct path *out);
    int (*open)(struct inode *i, const struct path *p, int flags, struct file **out);
    const struct proc_entry *children;
    /* A write; NULL: EACCES/EPERM. buf is NUL-terminated. */
    int (*store)(struct task *t, const char *buf, size_t len);
};

/* /proc/pid/mem; tid is the task's. */
struct file *proc_mem_file(struct inode *i, const struct path *p, int flags, pid_t tid);

int proc_fill_cpuinfo(struct task *t, struct strbuf *out);

extern const struct proc_entry proc_root_entries[], proc_pid_entries[];
extern const struct proc_entry channel_entries[]; /* sentry/ckpt/channel.c */

#endif
