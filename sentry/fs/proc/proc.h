/* Internals of procfs: the tables of files and what fills them. */
#ifndef NV_SENTRY_FS_PROC_PROC_H
#define NV_SENTRY_FS_PROC_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs.h"

struct change;
struct file;
struct mm;
struct mount_ns;
struct path;
struct pid_ns;
struct task;
struct vma;

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
    int (*fill_of)(int number,
                   struct strbuf *out); /* in place of fill: of sysfs's numbered things */
    /* Blocks, before fill: asks the host what fill will tell of mm (mm/usage.h). */
    void (*ask)(struct mm *mm, struct strbuf *host);
    int (*fill_asked)(struct task *t, const char *host, struct strbuf *out); /* with ask's answer */
    int (*target)(struct task *t, struct strbuf *out);
    int (*follow)(struct task *t, struct path *out);
    /* In place of fill: of the namespace that the task was in when the file was opened. */
    int (*show_mounts)(const struct mount_ns *ns, const struct path *root, struct strbuf *out);
    struct change *change; /* that poll(2) tells of; such a sysctl is a string */
    int (*open)(struct inode *i, const struct path *p, int flags, struct file **out);
    const struct proc_entry *children;
    /* A write; NULL: EACCES/EPERM. buf is NUL-terminated. */
    int (*store)(struct task *t, const char *buf, size_t len);
    int number; /* for fill_of */
    bool sysctl;
};

struct proc_inode {
    enum proc_kind kind;
    const struct proc_entry *entry;    /* of files, links, static directories */
    const struct proc_entry *children; /* of directories */
    pid_t pid;                         /* task, 0: none */
    int fd;
};

struct proc_file {
    unsigned int refs;     /* of restored ones, that there is one */
    struct strbuf text;    /* by the last read from the start */
    struct change *change; /* that poll(2) tells of, and as much of it as was told */
    uint64_t seen;
    bool has_changed;        /* restored, and it was not told */
    struct mount_ns *mounts; /* of the files about mounts; with the root that they are seen from */
    struct path root;
};

static inline struct proc_inode *PROC_I(const struct inode *i)
{
    return i->priv;
}
extern const struct pid_ns *proc_link_ns;
mode_t proc_kind_fmt(enum proc_kind kind);

struct task *proc_task(const struct inode *i); /* that it is about; NULL: none, or gone */

/* file.c */
int proc_file_open(struct inode *i, const struct path *p, int flags, struct file **out);
int proc_file_permission(struct task *t, struct inode *i, int mask);

/* ckpt.c */
struct ckpt_reader;
struct ckpt_type;
struct ckpt_writer;
extern const struct ckpt_type ckpt_proc_file;
void proc_save_inode(struct ckpt_writer *w, struct inode *i);
void proc_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);

/* /proc/pid/mem; tid is the task's. */
struct file *proc_mem_file(struct inode *i, const struct path *p, int flags, pid_t tid);

/* sysctl_ipc.c */
#define PROC_IPC_LIMITS(X)                                                                         \
    X(shmmax)                                                                                      \
    X(shmall)                                                                                      \
    X(shmmni)                                                                                      \
    X(msgmax)                                                                                      \
    X(msgmnb)                                                                                      \
    X(msgmni)                                                                                      \
    X(sem)                                                                                         \
    X(mq_queues_max)                                                                               \
    X(mq_msg_max)                                                                                  \
    X(mq_msgsize_max)                                                                              \
    X(mq_msg_default)                                                                              \
    X(mq_msgsize_default)
#define X(name)                                                                                    \
    int proc_fill_##name(struct task *t, struct strbuf *out);                                      \
    int proc_store_##name(struct task *t, const char *buf, size_t len);
PROC_IPC_LIMITS(X)
#undef X

/* status.c, account.c, of the task */
int proc_fill_stat(struct task *t, struct strbuf *out);
int proc_fill_statm(struct task *t, struct strbuf *out);
int proc_fill_status(struct task *t, struct strbuf *out);
int proc_fill_io(struct task *t, struct strbuf *out);
int proc_fill_thread_io(struct task *t, struct strbuf *out);
int proc_fill_children(struct task *t, struct strbuf *out);
int proc_fill_oom_score(struct task *t, struct strbuf *out);
int proc_fill_oom_adj(struct task *t, struct strbuf *out);
int proc_store_oom_adj(struct task *t, const char *buf, size_t len);
int proc_fill_oom_score_adj(struct task *t, struct strbuf *out);
int proc_store_oom_score_adj(struct task *t, const char *buf, size_t len);
int proc_fill_personality(struct task *t, struct strbuf *out);
int proc_fill_projid_map(struct task *t, struct strbuf *out);
int proc_fill_timerslack(struct task *t, struct strbuf *out);
int proc_store_timerslack(struct task *t, const char *buf, size_t len);
int proc_fill_unset_id(struct task *t, struct strbuf *out);
int proc_fill_wchan(struct task *t, struct strbuf *out);
enum task_state task_visible_state(const struct task *t); /* who sleeps in its stub sleeps */
/* pid.c: a line of maps */
void proc_map_line(struct task *t, const struct vma *v, struct strbuf *out);
/* smaps.c: ask and fill of smaps and smaps_rollup */
void proc_ask_smaps(struct mm *mm, struct strbuf *host);
int proc_fill_smaps(struct task *t, const char *host, struct strbuf *out);
int proc_fill_smaps_rollup(struct task *t, const char *host, struct strbuf *out);

int proc_fill_cpuinfo(struct task *t, struct strbuf *out);
/* mounts.c */
int proc_mounts_bind(struct proc_file *pf, const struct task *t); /* -EINVAL: it is gone */
int proc_show_mountinfo(const struct mount_ns *ns, const struct path *root, struct strbuf *out);
int proc_show_mounts(const struct mount_ns *ns, const struct path *root, struct strbuf *out);
int proc_show_mountstats(const struct mount_ns *ns, const struct path *root, struct strbuf *out);

extern const struct proc_entry proc_root_entries[], proc_pid_entries[], proc_tid_entries[];
extern const struct proc_entry proc_net_entries[]; /* root.c: /proc/PID/net */
extern const struct proc_entry sys_root_entries[], cgroup_root_entries[];
void sys_tables_init(void);                        /* before the first use of sys_root_entries */
extern const struct proc_entry proc_sys_entries[]; /* sysctl.c */
extern const struct proc_entry channel_entries[];  /* sentry/ckpt/channel.c */

#endif
