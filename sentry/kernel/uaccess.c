/*
 * Guest memory; see uaccess.h. A buffer of the current syscall is looked for in the window the stub
 * marshalled; writes there are checked against the VMA tree, because the stub copies them out only
 * after the handler has returned.
 */
#include "sentry/kernel/uaccess.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/vdso/vdso.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"

bool user_range_ok(uint64_t addr, size_t len)
{
    return len <= NV_TASK_SIZE && addr <= NV_TASK_SIZE - len;
}

ssize_t mm_read(struct mm *mm, void *dst, uint64_t addr, size_t len)
{
    if (!len)
        return 0;
    if (!user_range_ok(addr, 1))
        return -EFAULT;
    return platform->read_mem(mm->as, dst, addr, MIN(len, NV_TASK_SIZE - addr));
}

ssize_t mm_peek(struct mm *mm, void *dst, uint64_t addr, size_t len)
{
    /* The vDSO's image is the program's to read, although it lies above what it may map. */
    bool vdso = mm->vdso && addr - mm->vdso < VDSO_IMAGE_SIZE;
    ssize_t n =
        vdso ? platform->read_mem(mm->as, dst, addr, MIN(len, mm->vdso + VDSO_IMAGE_SIZE - addr))
             : mm_read(mm, dst, addr, len);

    if (n > 0 && platform->patch_hide)
        platform->patch_hide(mm->as, addr, dst, (size_t)n);
    return n;
}

ssize_t mm_write(struct mm *mm, uint64_t addr, const void *src, size_t len)
{
    if (!len)
        return 0;
    if (!user_range_ok(addr, 1))
        return -EFAULT;
    return platform->write_mem(mm->as, addr, src, MIN(len, NV_TASK_SIZE - addr));
}

/*
 * A restored task may make its call again before it has a host thread: it has no windows. A tracer
 * looks at memory and changes it, before and after the call.
 */
static bool has_windows(const struct task *t)
{
    return t->in_syscall && likely(t->thr != NULL) && likely(!t->trace.tracer);
}

static const void *window_in(struct task *t, uint64_t addr, size_t len)
{
    size_t avail = 0;
    const void *p = has_windows(t) ? platform->in_window(t->thr, addr, &avail) : NULL;

    return avail >= len ? p : NULL;
}

/* Only for memory the guest may write: the stub's own copy would come too late to fail. */
static void *window_out(struct task *t, uint64_t addr, size_t len)
{
    if (!has_windows(t))
        return NULL;
    void *p = platform->out_window(t->thr, addr, len);
    return p && mm_access_ok(t->mm, addr, len, VM_WRITE) ? p : NULL;
}

int copy_in(struct task *t, void *dst, uint64_t addr, size_t len)
{
    if (!len)
        return 0;
    if (!user_range_ok(addr, len))
        return -EFAULT;
    const void *p = window_in(t, addr, len);
    if (p) {
        memcpy(dst, p, len);
        return 0;
    }
    return platform->read_mem(t->mm->as, dst, addr, len) == (ssize_t)len ? 0 : -EFAULT;
}

int copy_out(struct task *t, uint64_t addr, const void *src, size_t len)
{
    if (!len)
        return 0;
    if (!user_range_ok(addr, len))
        return -EFAULT;
    void *p = window_out(t, addr, len);
    if (p) {
        memcpy(p, src, len);
        platform->out_commit(t->thr, addr, len);
        return 0;
    }
    return platform->write_mem(t->mm->as, addr, src, len) == (ssize_t)len ? 0 : -EFAULT;
}

ssize_t copy_in_str(struct task *t, char *dst, uint64_t addr, size_t size)
{
    size_t done = 0;

    while (done < size) {
        uint64_t at = addr + done;
        size_t n = MIN(size - done, NV_PAGE_SIZE - PAGE_OFF(at));
        if (!user_range_ok(at, 1))
            return -EFAULT;
        size_t got = 0;
        const char *p = has_windows(t) ? platform->in_window(t->thr, at, &got) : NULL;
        if (p) {
            got = MIN(got, n);
            memcpy(dst + done, p, got);
        } else {
            ssize_t r = platform->read_mem(t->mm->as, dst + done, at, n);
            if (r <= 0)
                return -EFAULT;
            got = (size_t)r;
        }
        char *nul = memchr(dst + done, 0, got);
        if (nul)
            return nul - dst;
        done += got;
    }
    return -ENAMETOOLONG;
}

int copy_in_str_dup(struct task *t, char **out, uint64_t addr, size_t max, int too_long)
{
    size_t cap = MIN(max, 256UL);

    for (;;) {
        cleanup_free char *buf = malloc(cap);
        if (!buf)
            return -ENOMEM;
        ssize_t n = copy_in_str(t, buf, addr, cap);
        if (n >= 0) {
            *out = steal_ptr(&buf);
            return 0;
        }
        if (n != -ENAMETOOLONG)
            return (int)n;
        if (cap == max)
            return -too_long;
        cap = MIN(max, cap * 8);
    }
}

int copy_in_struct(struct task *t, void *dst, size_t size, uint64_t addr, size_t user_size)
{
    unsigned char more[256];

    for (size_t off = size; off < user_size; off += sizeof(more)) {
        size_t n = MIN(user_size - off, sizeof(more));
        if (copy_in(t, more, addr + off, n))
            return -EFAULT;
        for (size_t i = 0; i < n; i++)
            if (more[i])
                return -E2BIG;
    }
    memset(dst, 0, size);
    return copy_in(t, dst, addr, MIN(size, user_size)) ? -EFAULT : 0;
}

int zero_out(struct task *t, uint64_t addr, size_t len)
{
    static const char zeros[NV_PAGE_SIZE];

    while (len) {
        size_t n = MIN(len, sizeof(zeros));
        if (copy_out(t, addr, zeros, n))
            return -EFAULT;
        addr += n;
        len -= n;
    }
    return 0;
}

int fetch_u32(struct task *t, uint64_t addr, uint32_t *val)
{
    return mm_read(t->mm, val, addr, sizeof(*val)) == sizeof(*val) ? 0 : -EFAULT;
}

int store_u32(struct task *t, uint64_t addr, uint32_t val)
{
    return mm_write(t->mm, addr, &val, sizeof(val)) == sizeof(val) ? 0 : -EFAULT;
}

/* --- uio --- */
static void uio_init_one(struct uio *u, struct task *t, enum uio_dir dir, void *base, size_t len)
{
    u->t = t;
    u->dir = dir;
    u->iov = u->inline_iov;
    u->iov[0] = (struct iovec){.iov_base = base, .iov_len = len};
    u->iovcnt = 1;
    u->resid = len;
    u->heap_iov = NULL;
}

void uio_init_user(struct uio *u, struct task *t, enum uio_dir dir, uint64_t addr, size_t len)
{
    uio_init_one(u, t, dir, (void *)addr, len);
}

void uio_init_kernel(struct uio *u, enum uio_dir dir, void *buf, size_t len)
{
    uio_init_one(u, NULL, dir, buf, len);
}

int uio_init_iovec(struct uio *u, struct task *t, enum uio_dir dir, uint64_t iov_addr,
                   unsigned long n)
{
    size_t total = 0;

    u->t = t;
    u->dir = dir;
    u->heap_iov = NULL;
    u->iov = u->inline_iov;
    u->resid = 0;
    u->iovcnt = 0;
    if (n > IOV_MAX)
        return -EINVAL;
    if (n > ARRAY_SIZE(u->inline_iov)) {
        u->heap_iov = malloc(n * sizeof(struct iovec));
        if (!u->heap_iov)
            return -ENOMEM;
        u->iov = u->heap_iov;
    }
    int err = copy_in(t, u->iov, iov_addr, n * sizeof(struct iovec));
    if (err)
        goto fail;
    for (unsigned long i = 0; i < n; i++) {
        err = -EINVAL;
        if ((ssize_t)u->iov[i].iov_len < 0)
            goto fail;
        err = -EFAULT;
        if (u->iov[i].iov_len && !user_range_ok((uint64_t)u->iov[i].iov_base, 1))
            goto fail;
        /* Linux caps a transfer at MAX_RW_COUNT and shortens what is beyond. */
        u->iov[i].iov_len = MIN(u->iov[i].iov_len, (size_t)(INT_MAX & NV_PAGE_MASK) - total);
        total += u->iov[i].iov_len;
    }
    u->iovcnt = (int)n;
    u->resid = total;
    return 0;
fail:
    uio_done(u);
    return err;
}

void uio_done(struct uio *u)
{
    free(u->heap_iov);
    u->heap_iov = NULL;
}

void uio_advance(struct uio *u, size_t n)
{
    n = MIN(n, u->resid);
    u->resid -= n;
    while (u->iovcnt) {
        size_t take = MIN(n, u->iov->iov_len);
        u->iov->iov_base = (char *)u->iov->iov_base + take;
        u->iov->iov_len -= take;
        n -= take;
        if (u->iov->iov_len)
            break;
        u->iov++;
        u->iovcnt--;
    }
}

static size_t uio_segment(struct uio *u)
{
    while (u->iovcnt && !u->iov->iov_len) {
        u->iov++;
        u->iovcnt--;
    }
    return u->iovcnt ? u->iov->iov_len : 0;
}

/* Bytes moved into guest memory; short at the first bad page, -EFAULT if there were none. */
static ssize_t user_out(struct task *t, uint64_t addr, const void *src, size_t len)
{
    void *p = user_range_ok(addr, len) ? window_out(t, addr, len) : NULL;

    if (!p)
        return mm_write(t->mm, addr, src, len);
    memcpy(p, src, len);
    platform->out_commit(t->thr, addr, len);
    return (ssize_t)len;
}

static ssize_t user_in(struct task *t, void *dst, uint64_t addr, size_t len)
{
    const void *p = user_range_ok(addr, len) ? window_in(t, addr, len) : NULL;

    if (!p)
        return mm_read(t->mm, dst, addr, len);
    memcpy(dst, p, len);
    return (ssize_t)len;
}

ssize_t uio_read(struct uio *u, void *dst, size_t len)
{
    size_t done = 0;

    len = MIN(len, u->resid);
    while (done < len) {
        size_t n = MIN(uio_segment(u), len - done);
        ssize_t r = (ssize_t)n;
        if (u->t)
            r = user_in(u->t, (char *)dst + done, (uint64_t)u->iov->iov_base, n);
        else
            memcpy((char *)dst + done, u->iov->iov_base, n);
        if (r <= 0)
            return done ? (ssize_t)done : -EFAULT;
        uio_advance(u, (size_t)r);
        done += (size_t)r;
    }
    return (ssize_t)done;
}

ssize_t uio_write(struct uio *u, const void *src, size_t len)
{
    size_t done = 0;

    len = MIN(len, u->resid);
    while (done < len) {
        size_t n = MIN(uio_segment(u), len - done);
        ssize_t r = (ssize_t)n;
        if (u->t)
            r = user_out(u->t, (uint64_t)u->iov->iov_base, (const char *)src + done, n);
        else
            memcpy(u->iov->iov_base, (const char *)src + done, n);
        if (r <= 0)
            return done ? (ssize_t)done : -EFAULT;
        uio_advance(u, (size_t)r);
        done += (size_t)r;
    }
    return (ssize_t)done;
}

/* The stub can make zeros itself. */
static bool zero_window(struct task *t, uint64_t addr, size_t len)
{
    return has_windows(t) && mm_access_ok(t->mm, addr, len, VM_WRITE) &&
           platform->out_zero(t->thr, addr, len);
}

ssize_t uio_zero(struct uio *u, size_t len)
{
    static const char zeros[16384];
    size_t done = 0;

    len = MIN(len, u->resid);
    if (u->t && u->iovcnt && platform->out_zero && u->iov[0].iov_len >= len &&
        zero_window(u->t, (uint64_t)u->iov[0].iov_base, len)) {
        uio_advance(u, len);
        return (ssize_t)len;
    }
    while (done < len) {
        ssize_t r = uio_write(u, zeros, MIN(sizeof(zeros), len - done));
        if (r <= 0)
            return done ? (ssize_t)done : r;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

/* Between two parks nobody else uses it: one bounce buffer serves the whole sentry. */
static char bounce[256 * 1024];

#define WINDOW_PART 16384UL /* windows have no more of a longer buffer */

static ssize_t fd_pread(int fd, void *buf, size_t len, off_t offset, int rwf)
{
    struct iovec v = {buf, len};
    ssize_t r;

    if (!rwf)
        r = offset < 0 ? read(fd, buf, len) : pread(fd, buf, len, offset);
    else
        r = preadv2(fd, &v, 1, offset, rwf);
    return r < 0 ? -errno : r;
}

static ssize_t fd_pwrite(int fd, const void *buf, size_t len, off_t offset, int rwf)
{
    struct iovec v = {(void *)(uintptr_t)buf, len};
    ssize_t r;

    if (!rwf)
        r = offset < 0 ? write(fd, buf, len) : pwrite(fd, buf, len, offset);
    else
        r = pwritev2(fd, &v, 1, offset, rwf);
    return r < 0 ? -errno : r;
}

/* True: done, or failed. The first of several buffers is enough, callers go on. */
static bool try_direct(struct uio *u, struct uio_fd *f, size_t len, bool write, ssize_t *ret)
{
    static uint64_t last_id;
    uint64_t addr = u->iovcnt ? (uint64_t)u->iov->iov_base : 0;
    size_t n = u->iovcnt ? MIN(u->iov->iov_len, len) : 0;

    if (n <= UIO_DIRECT_MIN || !u->t || !has_windows(u->t) || !platform->transfer ||
        !user_range_ok(addr, n))
        return false;
    if (!*f->id)
        *f->id = ++last_id;
    const struct platform_transfer x = {f->fd, *f->id, addr, n, f->offset, write, f->shared};
    *ret = platform->transfer(u->t->thr, &x);
    if (*ret == -EAGAIN)
        return false;
    if (*ret > 0)
        uio_advance(u, (size_t)*ret);
    f->direct = true;
    return true;
}

/* Where *n bytes for guest memory can be put, or the first of them: then *n is less. */
static void *window_for(struct task *t, uint64_t addr, size_t *n)
{
    void *p = user_range_ok(addr, *n) ? window_out(t, addr, *n) : NULL;

    if (p || *n <= WINDOW_PART)
        return p;
    p = user_range_ok(addr, WINDOW_PART) ? window_out(t, addr, WINDOW_PART) : NULL;
    if (p)
        *n = WINDOW_PART;
    return p;
}

ssize_t uio_from_fd(struct uio *u, struct uio_fd *f, size_t len)
{
    size_t done = 0;
    ssize_t direct;

    len = MIN(len, u->resid);
    if (f->id && try_direct(u, f, len, false, &direct))
        return direct;
    while (done < len) {
        size_t n = MIN(uio_segment(u), len - done);
        uint64_t addr = (uint64_t)u->iov->iov_base;
        off_t at = f->offset < 0 ? -1 : f->offset + (off_t)done;
        void *p = u->t ? window_for(u->t, addr, &n) : u->iov->iov_base;
        if (!p)
            n = MIN(n, sizeof(bounce));
        ssize_t r = fd_pread(f->fd, p ? p : bounce, n, at, f->rwf);
        if (r <= 0)
            return done ? (ssize_t)done : r;
        ssize_t moved = r;
        if (p && u->t)
            platform->out_commit(u->t->thr, addr, (size_t)r);
        else if (u->t)
            moved = mm_write(u->t->mm, addr, bounce, (size_t)r);
        if (moved <= 0)
            return done ? (ssize_t)done : -EFAULT;
        uio_advance(u, (size_t)moved);
        done += (size_t)moved;
        if ((size_t)moved < n)
            break;
    }
    return (ssize_t)done;
}

ssize_t uio_to_fd(struct uio *u, struct uio_fd *f, size_t len)
{
    size_t done = 0;
    ssize_t direct;

    len = MIN(len, u->resid);
    if (f->id && try_direct(u, f, len, true, &direct))
        return direct;
    while (done < len) {
        size_t n = MIN(uio_segment(u), len - done);
        uint64_t addr = (uint64_t)u->iov->iov_base;
        off_t at = f->offset < 0 ? -1 : f->offset + (off_t)done;
        const void *p = !u->t                    ? u->iov->iov_base
                        : user_range_ok(addr, n) ? window_in(u->t, addr, n)
                                                 : NULL;
        if (!p && u->t) {
            ssize_t got = mm_read(u->t->mm, bounce, addr, MIN(n, sizeof(bounce)));
            if (got <= 0)
                return done ? (ssize_t)done : -EFAULT;
            n = (size_t)got;
        }
        ssize_t r = fd_pwrite(f->fd, p ? p : bounce, n, at, f->rwf);
        if (r <= 0)
            return done ? (ssize_t)done : r;
        uio_advance(u, (size_t)r);
        done += (size_t)r;
        if ((size_t)r < n)
            break;
    }
    return (ssize_t)done;
}

void uio_file_closed(uint64_t id)
{
    if (id && platform->forget_file)
        platform->forget_file(id);
}
