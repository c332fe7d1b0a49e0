/* /proc/pid/mem: the file's offsets are addresses. It keeps to the address space it was opened on.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/vfs/file.h"

#define CHUNK 16384

static ssize_t mem_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    char buf[CHUNK];
    ssize_t done = 0;

    while (u->resid) {
        ssize_t n = mm_peek(f->priv, buf, (uint64_t)*pos, MIN(u->resid, sizeof(buf)));
        if (n <= 0)
            return done ? done : -EIO;
        n = uio_write(u, buf, (size_t)n);
        if (n < 0)
            return done ? done : n;
        *pos += n;
        done += n;
    }
    return done;
}

static ssize_t mem_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    char buf[CHUNK];
    ssize_t done = 0;

    while (u->resid) {
        ssize_t n = uio_read(u, buf, MIN(u->resid, sizeof(buf)));
        if (n < 0)
            return done ? done : n;
        n = trace_write_mem(t, f->priv, (uint64_t)*pos, buf, (size_t)n);
        if (n <= 0)
            return done ? done : -EIO;
        *pos += n;
        done += n;
    }
    return done;
}

/* Offsets are unsigned here: mem_lseek(). */
static loff_t mem_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    f->pos = whence == SEEK_SET ? off : f->pos + off;
    return f->pos;
}

static void mem_release(struct file *f)
{
    mm_put(f->priv);
}

static const struct file_ops mem_ops = {.kind = "proc memory",
                                        .read = mem_read,
                                        .write = mem_write,
                                        .llseek = mem_llseek,
                                        .release = mem_release,
                                        .io = FILE_PLAIN_READ | FILE_PLAIN_WRITE,
                                        .priv_type = &ckpt_mm};
CKPT_SYMBOL("file_ops", "proc memory", mem_ops);

struct file *proc_mem_file(struct inode *i, const struct path *p, int flags, pid_t tid)
{
    struct task *t = task_find(tid);
    struct file *f = t && t->mm ? file_new(&mem_ops, i, p, flags) : NULL;

    if (f)
        f->priv = mm_get(t->mm);
    return f;
}
