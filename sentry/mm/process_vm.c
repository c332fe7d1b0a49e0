/* process_vm_readv(2), process_vm_writev(2), process_madvise(2). */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma.h"

#define CHUNK 65536
#define CAP_SYS_NICE 23
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* One segment; what was moved, negative errno when nothing was. */
static ssize_t transfer(struct mm *mm, struct uio *u, const struct iovec *remote, char *buf)
{
    uint64_t at = (uint64_t)remote->iov_base, end = at + remote->iov_len;
    ssize_t done = 0;

    if (end < at)
        return -EFAULT;
    while (at < end && u->resid) {
        size_t want = MIN(MIN(end - at, (uint64_t)u->resid), (uint64_t)CHUNK);
        ssize_t n = u->dir == UIO_DEST ? mm_peek(mm, buf, at, want) : uio_read(u, buf, want);
        if (n > 0)
            n = u->dir == UIO_DEST ? uio_write(u, buf, (size_t)n)
                                   : mm_write(mm, at, buf, (size_t)n);
        if (n <= 0)
            return done ? done : -EFAULT;
        at += (uint64_t)n;
        done += n;
    }
    return done;
}

static long transfer_all(struct mm *mm, struct uio *u, const struct uio *remote)
{
    cleanup_free char *buf = malloc(CHUNK);
    long total = 0;

    if (!buf)
        return -ENOMEM;
    for (int i = 0; i < remote->iovcnt && u->resid; i++) {
        size_t want = MIN(remote->iov[i].iov_len, u->resid);
        ssize_t n = transfer(mm, u, &remote->iov[i], buf);
        if (n < 0)
            return total ? total : n;
        total += n;
        if ((size_t)n < want)
            break;
    }
    return total;
}

static long process_vm(struct task *t, const struct sysargs *a, enum uio_dir dir)
{
    struct uio local, remote;

    if (arg_u64(a, 5))
        return -EINVAL;
    long r = uio_init_iovec(&local, t, dir, arg_u64(a, 1), arg_u32(a, 2));
    if (r)
        return r;
    if (local.resid) {
        /* Addresses of the other process: only the array itself is in our memory. */
        r = uio_init_iovec(&remote, t, dir, arg_u64(a, 3), arg_u64(a, 4));
        if (!r) {
            struct task *o = task_find_nr(arg_i32(a, 0));
            if (!o || !o->mm) {
                r = remote.resid ? -ESRCH : 0;
            } else if (!task_may_access(t, o)) {
                r = -EPERM;
            } else {
                struct mm *mm = mm_get(o->mm);
                r = transfer_all(mm, &local, &remote);
                mm_put(mm);
            }
            uio_done(&remote);
        }
    }
    uio_done(&local);
    return r;
}

long sys_process_vm_readv(struct task *t, const struct sysargs *a)
{
    return process_vm(t, a, UIO_DEST);
}

long sys_process_vm_writev(struct task *t, const struct sysargs *a)
{
    return process_vm(t, a, UIO_SOURCE);
}

#define SELF_THREAD (-10000) /* include/uapi/linux/pidfd.h */
#define SELF_GROUP (-10001)

/* What may be said of somebody else's memory changes no contents: process_madvise_remote_valid().
 */
static bool for_others(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
           advice == MADV_COLLAPSE;
}

/* Of another's memory advice is a hint that is not passed on; its ranges must be there. */
static long advise_other(const struct mm *mm, uint64_t addr, uint64_t len)
{
    uint64_t end = addr + PAGE_UP(len);

    if (addr % NV_PAGE_SIZE || end < addr || PAGE_UP(len) < len)
        return -EINVAL;
    return end <= NV_TASK_SIZE && vma_covered(mm->vmas, addr, end) ? 0 : -ENOMEM;
}

static long advise_all(struct task *t, struct mm *mm, const struct uio *ranges, int advice)
{
    long done = 0, err = 0;

    for (int i = 0; !err && i < ranges->iovcnt; i++) {
        const struct iovec *v = &ranges->iov[i];
        struct sysargs a = {.arg = {(uint64_t)v->iov_base, v->iov_len, (unsigned long)advice}};
        err = mm == t->mm ? sys_madvise(t, &a) : advise_other(mm, a.arg[0], a.arg[1]);
        if (!err)
            done += (long)v->iov_len;
    }
    return done ? done : err;
}

long sys_process_madvise(struct task *t, const struct sysargs *a)
{
    int fd = arg_i32(a, 0), advice = arg_i32(a, 3);
    struct uio ranges;

    if (arg_u32(a, 4))
        return -EINVAL;
    long r = uio_init_iovec(&ranges, t, UIO_DEST, arg_u64(a, 1), arg_u32(a, 2));
    if (r)
        return r;
    struct thread_group *tg = fd == SELF_THREAD || fd == SELF_GROUP ? t->tg : pidfd_group(t, fd);
    struct task *o = tg ? tg->leader : NULL;
    if (tg == t->tg)
        o = t;
    if (!tg)
        r = -EBADF;
    else if (!o || !o->mm)
        r = -ESRCH;
    else if (o->mm != t->mm && !(task_may_access(t, o) && cred_capable(t->cred, CAP_SYS_NICE)))
        r = -EPERM;
    else if (o->mm != t->mm && !for_others(advice))
        r = -EINVAL;
    if (!r) {
        struct mm *mm = mm_get(o->mm);
        r = advise_all(t, mm, &ranges, advice);
        mm_put(mm);
    }
    uio_done(&ranges);
    return r;
}
