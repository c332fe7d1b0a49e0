/* mmap(2), munmap(2), mprotect(2), mremap(2), brk(2). */
#include <errno.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#ifndef MAP_UNINITIALIZED
#define MAP_UNINITIALIZED 0x4000000
#endif
#define MAP_ABOVE4G_K 0x80
#define MMAP_MIN_ADDR 65536UL
#define LOW_4G 0x100000000UL
#define MAP_32BIT_HIGH 0x80000000UL
#define MAP_32BIT_LOW 0x40000000UL

bool mm_over_limit(struct task *t, int resource, uint64_t used, uint64_t more)
{
    uint64_t limit = rlimit_cur(t, resource);

    return limit != RLIM_INFINITY && (used > limit || more > limit - used);
}

/* Chooses the place: exact for MAP_FIXED, else the hint if free, else the highest gap. */
static int64_t choose_address(struct mm *mm, const struct mmap_request *r, uint64_t len)
{
    uint64_t addr = r->addr, at;

    if (r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (addr % NV_PAGE_SIZE)
            return -EINVAL;
        if (len > NV_TASK_SIZE || addr > NV_TASK_SIZE - len)
            return -ENOMEM;
        if (addr < MMAP_MIN_ADDR)
            return -EPERM;
        if ((r->flags & MAP_FIXED_NOREPLACE) && !vma_range_free(mm->vmas, addr, addr + len))
            return -EEXIST;
        return (int64_t)addr;
    }
    if (len > NV_TASK_SIZE)
        return -ENOMEM;
    if (r->flags & MAP_32BIT) {
        at = vma_find_gap(mm->vmas, MAP_32BIT_LOW, MAP_32BIT_HIGH, len);
        return at ? (int64_t)at : -ENOMEM;
    }
    addr = PAGE_UP(addr);
    if (addr >= MMAP_MIN_ADDR && addr <= NV_TASK_SIZE - len &&
        vma_range_free(mm->vmas, addr, addr + len))
        return (int64_t)addr;
    at = vma_find_gap(mm->vmas, MMAP_MIN_ADDR, mm->mmap_base, len);
    if (!at)
        at = vma_find_gap(mm->vmas, mm->mmap_base, NV_TASK_SIZE, len);
    return at ? (int64_t)at : -ENOMEM;
}

struct backing {
    int fd; /* -1: anonymous */
    uint64_t off;
    int host_flags;
    struct file *file; /* reference for the VMA */
};

/* What the host maps. Shared anonymous memory is a tmpfs file, so that it has an identity. */
static int find_backing(struct task *t, const struct mmap_request *r, uint64_t len,
                        struct backing *b)
{
    bool shared = (r->flags & MAP_TYPE) != MAP_PRIVATE && !(r->vm_flags & VM_DROPPABLE);

    b->fd = -1;
    b->off = 0;
    b->host_flags = MAP_FIXED | MAP_NORESERVE | (shared ? MAP_SHARED : MAP_PRIVATE);
    if ((r->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
        (r->vm_flags & VM_LOCKED && !(t->mm->lock_future & MCL_ONFAULT)))
        b->host_flags |= MAP_POPULATE;
    if (r->vm_flags & VM_DROPPABLE)
        b->host_flags = (b->host_flags & ~MAP_TYPE) | MAP_DROPPABLE_K;
    b->file = r->file ? file_get(r->file) : NULL;
    if (!r->file && !shared) {
        b->host_flags |= MAP_ANONYMOUS;
        return 0;
    }
    if (!r->file) {
        b->file = tmpfs_anon_file("/dev/zero", O_RDWR, len);
        if (!b->file)
            return -ENOMEM;
    }
    if (!b->file->ops->mmap)
        return -ENODEV;
    return b->file->ops->mmap(t, b->file, r->pgoff_bytes, len, r->prot, r->flags, &b->fd, &b->off);
}

/* One area, backed by one host file. */
static int map_piece(struct mm *mm, struct gthread *thr, const struct mmap_request *r,
                     struct task *t, uint64_t addr, uint64_t len)
{
    struct backing b = {.fd = -1};

    int err = find_backing(t, r, len, &b);
    if (!err)
        err = vma_reserve(mm->vmas, 4);
    if (!err && r->batch) {
        const struct platform_hostcall call = {
            .nr = SYS_mmap,
            .args = {addr, len, (uint64_t)r->prot & 7, (uint64_t)b.host_flags, (uint64_t)-1, b.off},
            .fd = b.fd};
        err = mm_batch_add(r->batch, thr, &call);
    } else if (!err) {
        int64_t got = mm_host(thr, SYS_mmap, addr, len, (uint64_t)r->prot & 7,
                              (uint64_t)b.host_flags, b.fd, b.off);
        err = got < 0 ? (int)got : 0;
    }
    if (err) {
        if (b.file)
            file_put(b.file);
        return err;
    }
    struct vma v = {.start = addr,
                    .end = addr + len,
                    .flags = prot_to_vm(r->prot) | r->vm_flags,
                    .file = b.file,
                    .pgoff = r->file ? r->pgoff_bytes : 0,
                    .name = r->name};
    if ((b.host_flags & MAP_TYPE) == MAP_SHARED)
        v.flags |= VM_SHARED | (b.file && file_writable(b.file) ? VM_MAYWRITE : 0);
    if (r->flags & MAP_GROWSDOWN)
        v.flags |= VM_GROWSDOWN;
    mm_forget(mm, v.start, v.end);
    mm_account(mm, &v, 1);
    vma_insert(mm->vmas, &v);
    return 0;
}

/* Files in pieces: an area for each. A failure leaves those that are made, as far as they go. */
static int map_pieces(struct mm *mm, struct gthread *thr, const struct mmap_request *r,
                      struct task *t, uint64_t addr, uint64_t len)
{
    cleanup_file struct file *f = r->file->ops->map_as(t, r->file);
    struct mmap_request piece = *r;
    int err = f ? 0 : -ENOMEM;

    for (uint64_t done = 0, n; !err && done < len; done += n) {
        piece.file = f;
        piece.pgoff_bytes = r->pgoff_bytes + done;
        n = MIN(len - done, f->ops->map_end(f, piece.pgoff_bytes) - piece.pgoff_bytes);
        err = map_piece(mm, thr, &piece, t, addr + done, n);
    }
    return err;
}

static int map_locked(struct mm *mm, struct gthread *thr, const struct mmap_request *r,
                      struct task *t, uint64_t len, uint64_t *out)
{
    int64_t addr = choose_address(mm, r, len);

    if (addr < 0)
        return (int)addr;
    int err = mm_may_change(mm, (uint64_t)addr, (uint64_t)addr + len);
    if (!err && r->file && r->file->ops->map_as)
        err = map_pieces(mm, thr, r, t, (uint64_t)addr, len);
    else if (!err)
        err = map_piece(mm, thr, r, t, (uint64_t)addr, len);
    *out = (uint64_t)addr;
    return err;
}

int64_t mm_mmap(struct mm *mm, struct gthread *thr, const struct mmap_request *r, struct task *t)
{
    uint64_t len = PAGE_UP(r->len), addr = 0;

    if (!len)
        return r->len ? -ENOMEM : -EINVAL;
    if (mm_over_limit(t, RLIMIT_AS, mm->total_vm, len))
        return -ENOMEM;
    if ((r->prot & PROT_WRITE) && (r->flags & MAP_TYPE) == MAP_PRIVATE &&
        mm_over_limit(t, RLIMIT_DATA, mm->data_vm, len))
        return -ENOMEM;
    if ((mm->traits & MM_MDWE) && (r->prot & PROT_EXEC) && (r->prot & PROT_WRITE))
        return -EACCES;
    int err = mm_lock(mm, t);
    if (err)
        return err;
    err = map_locked(mm, thr, r, t, len, &addr);
    mm_unlock(mm);
    return err ? err : (int64_t)addr;
}

/* The checks of do_mmap() on a file's access mode. */
static int check_file_mode(const struct file *f, int prot, int flags)
{
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

    if ((f->flags & O_PATH) || S_ISDIR(f->inode->mode))
        return f->flags & O_PATH ? -EBADF : -ENODEV;
    if (!file_readable(f))
        return -EACCES;
    if (shared && (prot & PROT_WRITE) && !file_writable(f))
        return -EACCES;
    if (shared && (f->flags & O_APPEND) && file_writable(f) && (prot & PROT_WRITE))
        return f->ops->mmap ? 0 : -ENODEV;
    if ((prot & PROT_EXEC) && f->path.mnt && (f->path.mnt->flags & MS_NOEXEC))
        return -EPERM;
    return f->ops->mmap ? 0 : -ENODEV;
}

/* personality(2): what can be read can be executed. */
static bool reads_as_code(const struct task *t, int prot)
{
    return (prot & PROT_READ) && (t->personality & READ_IMPLIES_EXEC);
}

/* Flags from before MAP_SHARED_VALIDATE: include/linux/mman.h LEGACY_MAP_MASK. */
#define OLD_FLAGS                                                                                  \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |               \
     MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_ABOVE4G_K | MAP_HUGE_2MB |           \
     MAP_HUGE_1GB)

/* Without huge pages none is ever free. */
static int refuse_huge(int type, const struct file *f)
{
    explain_missing("mmap", "MAP_HUGETLB");
    return !f && type && type <= MAP_SHARED_VALIDATE ? -ENOMEM : -EINVAL;
}

static int check_flags(struct mmap_request *r, const struct file *f)
{
    int flags = r->flags, type = flags & MAP_TYPE;
    const int not_dropped = MAP_LOCKED | MAP_GROWSDOWN | MAP_HUGETLB;

    if (!r->len)
        return -EINVAL;
    if (flags & MAP_HUGETLB)
        return refuse_huge(type, f);
    if (!f && type == MAP_DROPPABLE_K && !(flags & not_dropped))
        r->vm_flags |= VM_DROPPABLE | VM_WIPEONFORK | VM_DONTDUMP;
    else if (type != MAP_SHARED && type != MAP_PRIVATE && (!f || type != MAP_SHARED_VALIDATE))
        return -EINVAL;
    if (!f && (flags & MAP_GROWSDOWN) && type == MAP_SHARED)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (flags & ~OLD_FLAGS))
        return -EOPNOTSUPP;
    return PAGE_UP(r->len) > NV_TASK_SIZE || !PAGE_UP(r->len) ? -ENOMEM : 0;
}

static int check_locked(struct task *t, struct mmap_request *r)
{
    bool future = t->mm->lock_future;

    if (!(r->flags & MAP_LOCKED) && !future)
        return 0;
    if (!(r->vm_flags & VM_DROPPABLE))
        r->vm_flags |= VM_LOCKED;
    int err = mm_may_lock(t, PAGE_UP(r->len), -EAGAIN);
    return err == -EPERM && !(r->flags & MAP_LOCKED) ? -EAGAIN : err;
}

long sys_mmap(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 3);
    struct mmap_request r = {.addr = arg_u64(a, 0),
                             .len = arg_u64(a, 1),
                             .prot = arg_i32(a, 2),
                             .flags = flags,
                             .pgoff_bytes = arg_u64(a, 5)};
    cleanup_file struct file *f = NULL;

    if (r.pgoff_bytes % NV_PAGE_SIZE)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        f = fd_get_path_ok(t, arg_i32(a, 4));
        if (!f)
            return -EBADF;
    }
    int err = check_flags(&r, f);
    if (!err)
        err = check_locked(t, &r);
    if (err)
        return err;
    uint64_t end;
    if (f) {
        err = check_file_mode(f, r.prot, flags);
        if (!err && (flags & MAP_GROWSDOWN))
            err = -EINVAL;
        if (err)
            return err;
        if (__builtin_add_overflow(r.pgoff_bytes, PAGE_UP(r.len), &end) || (int64_t)end < 0)
            return -EOVERFLOW;
        r.file = f;
    } else {
        r.pgoff_bytes = 0;
    }
    if (reads_as_code(t, r.prot) && !(f && f->path.mnt && (f->path.mnt->flags & MS_NOEXEC)))
        r.prot |= PROT_EXEC;
    return mm_mmap(t->mm, t->thr, &r, t);
}

int mm_munmap(struct mm *mm, struct gthread *thr, uint64_t addr, uint64_t len)
{
    int err = mm_may_change(mm, addr, addr + len);

    if (!err)
        err = vma_reserve(mm->vmas, 2);

    if (err)
        return err;
    if (vma_range_free(mm->vmas, addr, addr + len))
        return 0;
    int64_t r = mm_host(thr, SYS_munmap, addr, len, 0, 0, -1, 0);
    if (r < 0)
        return (int)r;
    mm_forget(mm, addr, addr + len);
    return 0;
}

static int check_range(uint64_t addr, uint64_t *len)
{
    uint64_t l = PAGE_UP(*len);

    if (addr % NV_PAGE_SIZE || (*len && !l))
        return -EINVAL;
    *len = l;
    return l > NV_TASK_SIZE || addr > NV_TASK_SIZE - l ? -EINVAL : 0;
}

long sys_munmap(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
    int err = check_range(addr, &len);

    if (err || !len)
        return -EINVAL;
    err = mm_lock(t->mm, t);
    if (err)
        return err;
    err = mm_munmap(t->mm, t->thr, addr, len);
    mm_unlock(t->mm);
    return err;
}

/* --- mprotect --- */
static int may_protect(struct mm *mm, uint64_t addr, uint64_t end, int prot)
{
    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        const struct vma *v = &mm->vmas->v[i];
        if ((prot & PROT_WRITE) && (v->flags & VM_SHARED) && !(v->flags & VM_MAYWRITE))
            return -EACCES;
        if ((mm->traits & MM_MDWE) && (prot & PROT_EXEC) &&
            ((prot & PROT_WRITE) || !(v->flags & VM_EXEC)))
            return -EACCES;
    }
    return 0;
}

int mm_mprotect(struct mm *mm, struct gthread *thr, uint64_t addr, uint64_t len, int prot)
{
    uint64_t end = addr + len;
    const uint32_t rwx = VM_READ | VM_WRITE | VM_EXEC;

    if (!vma_covered(mm->vmas, addr, end))
        return -ENOMEM;
    int err = mm_may_change(mm, addr, end);
    if (!err)
        err = may_protect(mm, addr, end, prot);
    if (!err)
        err = vma_reserve(mm->vmas, 2);
    if (err)
        return err;
    err = thunks_restore(mm, thr, addr, end);
    if (err)
        return err;
    int64_t r = mm_host(thr, SYS_mprotect, addr, len, (uint64_t)prot & 7, 0, -1, 0);
    if (r < 0)
        return (int)r;
    vma_split_at(mm->vmas, addr);
    vma_split_at(mm->vmas, end);
    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        struct vma *v = &mm->vmas->v[i];
        mm_account(mm, v, -1);
        v->flags = (v->flags & ~rwx) | prot_to_vm(prot);
        mm_account(mm, v, 1);
    }
    vma_merge_range(mm->vmas, addr, end);
    return 0;
}

long sys_mprotect(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
    int prot = arg_i32(a, 2), grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);

    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr % NV_PAGE_SIZE)
        return -EINVAL;
    if (!len)
        return 0;
    if (check_range(addr, &len))
        return -ENOMEM;
    if (arg_u64(a, 2) & ~(7UL | 8 /* PROT_SEM */ | PROT_GROWSDOWN) || (grows & PROT_GROWSUP))
        return -EINVAL; /* no stack grows up here */
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    if (grows & PROT_GROWSDOWN) {
        struct vma *v = vma_find(t->mm, addr);
        if (!v || v->start > addr || !(v->flags & VM_GROWSDOWN)) {
            mm_unlock(t->mm);
            return -EINVAL;
        }
        len += addr - v->start;
        addr = v->start;
    }
    if (reads_as_code(t, prot))
        prot |= PROT_EXEC;
    err = mm_mprotect(t->mm, t->thr, addr, len, prot & 7);
    mm_unlock(t->mm);
    return err;
}

long sys_pkey_mprotect(struct task *t, const struct sysargs *a)
{
    return arg_i32(a, 3) == -1 ? sys_mprotect(t, a) : -EINVAL;
}

long sys_pkey_alloc(struct task *t, const struct sysargs *a)
{
    return arg_u32(a, 0) || (arg_u32(a, 1) & ~3u) ? -EINVAL : -ENOSPC;
}

long sys_pkey_free(struct task *t, const struct sysargs *a)
{
    return -EINVAL;
}

/* --- brk --- */
static void brk_change(struct task *t, uint64_t want)
{
    struct mm *mm = t->mm;
    uint64_t old_end = PAGE_UP(mm->brk), new_end = PAGE_UP(want);

    if (new_end < old_end) {
        if (mm_munmap(mm, t->thr, new_end, old_end - new_end))
            return;
    } else if (new_end > old_end) {
        struct mmap_request r = {.addr = old_end,
                                 .len = new_end - old_end,
                                 .prot = PROT_READ | PROT_WRITE,
                                 .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                                 .name = "[heap]",
                                 .vm_flags = VM_HEAP};
        uint64_t at;
        if (check_locked(t, &r))
            return;
        if (mm_over_limit(t, RLIMIT_DATA, mm->data_vm, r.len) ||
            mm_over_limit(t, RLIMIT_AS, mm->total_vm, r.len) ||
            map_locked(mm, t->thr, &r, t, r.len, &at))
            return;
    }
    mm->brk = want;
}

long sys_brk(struct task *t, const struct sysargs *a)
{
    struct mm *mm = t->mm;
    uint64_t want = arg_u64(a, 0);

    if (want >= mm->brk_start && want < NV_TASK_SIZE && !mm_lock(mm, t)) {
        brk_change(t, want);
        mm_unlock(mm);
    }
    return (long)mm->brk;
}

/* --- remap_file_pages --- */
long sys_remap_file_pages(struct task *t, const struct sysargs *a)
{
    uint64_t start = PAGE_DOWN(arg_u64(a, 0)), len = PAGE_DOWN(arg_u64(a, 1)), addr;
    uint64_t page = arg_u64(a, 3), pages = len / NV_PAGE_SIZE;
    struct mmap_request r = {.addr = start, .len = len};

    if (arg_u64(a, 2) || start + len <= start || start + len > NV_TASK_SIZE ||
        page + pages < page || page + pages > INT64_MAX / NV_PAGE_SIZE)
        return -EINVAL;
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    const struct vma *v = vma_find(t->mm, start);
    if (!v || v->start > start || v->end < start + len || !(v->flags & VM_SHARED) || !v->file) {
        mm_unlock(t->mm);
        return -EINVAL;
    }
    cleanup_file struct file *f = file_get(v->file);
    r.file = f;
    r.prot = prot_to_host(v->flags);
    r.flags = MAP_SHARED | MAP_FIXED;
    r.pgoff_bytes = page * NV_PAGE_SIZE;
    err = map_locked(t->mm, t->thr, &r, t, len, &addr);
    mm_unlock(t->mm);
    return err;
}
