/* Pipes and FIFOs: pipe(7), fifo(7). */
#ifndef NV_SENTRY_IPC_PIPE_H
#define NV_SENTRY_IPC_PIPE_H

#include <stdbool.h>
#include <sys/types.h>

struct file;
struct inode;
struct pipe;
struct task;

/* open(2) of a FIFO or of /proc/pid/fd/N of a pipe: blocks for the other end as fifo(7) says. */
int fifo_open(struct task *t, struct inode *i, int flags, struct file **out);
/* F_GETPIPE_SZ, F_SETPIPE_SZ; -EBADF when f is no pipe. */
long pipe_fcntl(struct task *t, struct file *f, int cmd, long arg);
bool file_is_pipe(const struct file *f);
/* splice(2) and tee(2) of files; positions NULL: the files' own. check: are these such? */
int file_splice_check(struct file *in, const loff_t *ipos, struct file *out, const loff_t *opos);
ssize_t file_splice(struct task *t, struct file *in, loff_t *ipos, struct file *out, loff_t *opos,
                    size_t len, unsigned int flags);
ssize_t file_tee(struct task *t, struct file *in, struct file *out, size_t len, unsigned int flags);
/* splice(2) into a pipe from what is none. pos: NULL for the file's own. */
ssize_t splice_to_pipe(struct task *t, struct file *in, loff_t *pos, struct file *out, size_t len,
                       unsigned int flags);
/* The inode of a FIFO goes away. */
void pipe_inode_evicted(struct inode *i);

#endif
