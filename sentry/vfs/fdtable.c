/* Descriptor tables: a growing array and a bitmap of used numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

struct fdtable *fdtable_new(void)
{
    struct fdtable *ft = calloc(1, sizeof(*ft));

    if (ft)
        ft->refs = 1;
    return ft;
}

struct fdtable *fdtable_get(struct fdtable *ft)
{
    ft->refs++;
    return ft;
}

int fdtable_users(struct fdtable *ft)
{
    return (int)ft->refs;
}

static int file_close(struct task *t, const struct fdtable *ft, struct file *f)
{
    int err = 0;

    locks_closed(ft, f);
    if (f->ops->flush && t)
        err = f->ops->flush(t, f);
    file_put(f);
    return err;
}

static uint64_t fd_limit(struct task *t)
{
    return MIN(rlimit_cur(t, RLIMIT_NOFILE), (uint64_t)NR_OPEN);
}

bool fdtable_has(const struct fdtable *ft, const struct file *f)
{
    for (int i = 0; ft && i < ft->cap; i++)
        if (ft->files[i] == f)
            return true;
    return false;
}

int fdtable_size(const struct fdtable *ft)
{
    return MAX(ft->cap, 64);
}

void fdtable_put(struct fdtable *ft)
{
    if (!ft || --ft->refs)
        return;
    struct task *t = task_current();
    for (int i = 0; i < ft->cap; i++)
        if (ft->files[i])
            file_close(t, ft, ft->files[i]);
    free(ft->files);
    free(ft->cloexec);
    free(ft);
}

int fdtable_grow(struct fdtable *ft, int fd)
{
    int cap = MAX(64, ft->cap * 2);

    while (cap <= fd)
        cap *= 2;
    struct file **files = realloc(ft->files, (size_t)cap * sizeof(*files));
    if (!files)
        return -ENOMEM;
    ft->files = files;
    uint64_t *bits = realloc(ft->cloexec, (size_t)cap / 8);
    if (!bits)
        return -ENOMEM;
    ft->cloexec = bits;
    memset(files + ft->cap, 0, (size_t)(cap - ft->cap) * sizeof(*files));
    memset((char *)bits + ft->cap / 8, 0, (size_t)(cap - ft->cap) / 8);
    ft->cap = cap;
    return 0;
}

struct fdtable *fdtable_copy(struct fdtable *ft)
{
    struct fdtable *n = fdtable_new();

    if (!n || (ft->cap && fdtable_grow(n, ft->cap - 1))) {
        free(n);
        return NULL;
    }
    for (int i = 0; i < ft->cap; i++)
        n->files[i] = ft->files[i] ? file_get(ft->files[i]) : NULL;
    if (ft->cap)
        memcpy(n->cloexec, ft->cloexec, (size_t)ft->cap / 8);
    n->first_free = ft->first_free;
    return n;
}

static void set_bit(struct fdtable *ft, int fd, bool on)
{
    if (on)
        ft->cloexec[fd / 64] |= 1ULL << fd % 64;
    else
        ft->cloexec[fd / 64] &= ~(1ULL << fd % 64);
}

static int lowest_free(const struct fdtable *ft, int min)
{
    int fd = MAX(min, ft->first_free);

    while (fd < ft->cap && ft->files[fd])
        fd++;
    return fd;
}

int fd_available(struct task *t)
{
    struct fdtable *ft = t->fds;

    if (t->fd_detour && t->fd_detour->catches)
        return 0;

    ft->first_free = lowest_free(ft, 0);
    return (uint64_t)ft->first_free < fd_limit(t) ? 0 : -EMFILE;
}

int fd_install(struct task *t, struct file *f, bool cloexec, int min)
{
    struct fdtable *ft = t->fds;

    if (unlikely(t->fd_detour && t->fd_detour->catches && !t->fd_detour->caught)) {
        t->fd_detour->caught = file_get(f);
        return 0;
    }
    int fd = lowest_free(ft, min);
    if ((uint64_t)fd >= fd_limit(t))
        return -EMFILE;
    if (fd >= ft->cap && fdtable_grow(ft, fd))
        return -ENOMEM;
    ft->files[fd] = file_get(f);
    set_bit(ft, fd, cloexec);
    if (min <= ft->first_free)
        ft->first_free = fd + 1;
    return fd;
}

int fd_install_steal(struct task *t, struct file *f, bool cloexec)
{
    int fd = fd_install(t, f, cloexec, 0);

    file_put(f);
    return fd;
}

int fd_install_at(struct task *t, struct file *f, int fd, bool cloexec)
{
    struct fdtable *ft = t->fds;

    if (fd < 0 || (uint64_t)fd >= fd_limit(t))
        return -EBADF;
    if (fd >= ft->cap && fdtable_grow(ft, fd))
        return -ENOMEM;
    struct file *old = ft->files[fd];
    ft->files[fd] = file_get(f);
    set_bit(ft, fd, cloexec);
    if (old)
        file_close(t, ft, old);
    return fd;
}

static struct file *get_lent(const struct task *t, int fd)
{
    return fd == FD_LENT && t->fd_detour && t->fd_detour->lent ? file_get(t->fd_detour->lent)
                                                               : NULL;
}

struct file *fd_get_path_ok(struct task *t, int fd)
{
    struct fdtable *ft = t->fds;

    if (!ft || fd < 0 || fd >= ft->cap || !ft->files[fd])
        return get_lent(t, fd);
    return file_get(ft->files[fd]);
}

struct file *fd_get(struct task *t, int fd)
{
    struct fdtable *ft = t->fds;

    if (!ft || fd < 0 || fd >= ft->cap || !ft->files[fd])
        return get_lent(t, fd);
    return ft->files[fd]->flags & O_PATH ? NULL : file_get(ft->files[fd]);
}

int fd_close(struct task *t, int fd)
{
    struct fdtable *ft = t->fds;

    if (fd < 0 || fd >= ft->cap || !ft->files[fd])
        return -EBADF;
    struct file *f = ft->files[fd];
    ft->files[fd] = NULL;
    set_bit(ft, fd, false);
    ft->first_free = MIN(ft->first_free, fd);
    return file_close(t, ft, f);
}

bool fd_cloexec(struct task *t, int fd)
{
    return fd < t->fds->cap && t->fds->cloexec[fd / 64] >> fd % 64 & 1;
}

int fd_set_cloexec(struct task *t, int fd, bool on)
{
    if (fd < 0 || fd >= t->fds->cap || !t->fds->files[fd])
        return -EBADF;
    set_bit(t->fds, fd, on);
    return 0;
}

void fdtable_close_on_exec(struct task *t)
{
    for (int fd = 0; fd < t->fds->cap; fd++)
        if (t->fds->files[fd] && fd_cloexec(t, fd))
            fd_close(t, fd);
}

int fdtable_next(struct fdtable *ft, int fd, struct file **f)
{
    for (; ft && fd < ft->cap; fd++)
        if (ft->files[fd]) {
            *f = ft->files[fd];
            return fd;
        }
    return -1;
}

/* --- close(2), dup(2) and close_range(2) --- */
long sys_close(struct task *t, const struct sysargs *a)
{
    int err = fd_close(t, arg_i32(a, 0));

    /* The descriptor is gone: nothing to restart. */
    return err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND ? -EINTR : err;
}

long sys_dup(struct task *t, const struct sysargs *a)
{
    struct file *f = fd_get_path_ok(t, arg_i32(a, 0));

    return f ? fd_install_steal(t, f, false) : -EBADF;
}

static long dup_to(struct task *t, int oldfd, int newfd, bool cloexec)
{
    if (newfd < 0 || (uint64_t)newfd >= fd_limit(t))
        return -EBADF;
    cleanup_file struct file *f = fd_get_path_ok(t, oldfd);
    return f ? fd_install_at(t, f, newfd, cloexec) : -EBADF;
}

long sys_dup2(struct task *t, const struct sysargs *a)
{
    if (arg_i32(a, 0) == arg_i32(a, 1)) {
        cleanup_file struct file *f = fd_get_path_ok(t, arg_i32(a, 0));
        return f ? arg_i32(a, 1) : -EBADF;
    }
    return dup_to(t, arg_i32(a, 0), arg_i32(a, 1), false);
}

long sys_dup3(struct task *t, const struct sysargs *a)
{
    if (arg_i32(a, 2) & ~O_CLOEXEC || arg_i32(a, 0) == arg_i32(a, 1))
        return -EINVAL;
    return dup_to(t, arg_i32(a, 0), arg_i32(a, 1), arg_i32(a, 2) & O_CLOEXEC);
}

long sys_close_range(struct task *t, const struct sysargs *a)
{
    unsigned int first = arg_u32(a, 0), last = arg_u32(a, 1), flags = arg_u32(a, 2);

    if (flags & ~6u || first > last) /* CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC */
        return -EINVAL;
    if ((flags & 2) && t->fds->refs > 1) {
        struct fdtable *own = fdtable_copy(t->fds);
        if (!own)
            return -ENOMEM;
        fdtable_put(t->fds);
        t->fds = own;
    }
    for (unsigned int fd = first; fd <= last && fd < (unsigned)t->fds->cap; fd++) {
        if (!t->fds->files[fd])
            continue;
        if (flags & 4)
            set_bit(t->fds, (int)fd, true);
        else
            fd_close(t, (int)fd);
    }
    return 0;
}
