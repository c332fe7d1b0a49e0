/*
 * Shared memory segments: shmget(2), shmop(2), shmctl(2).
 *
 * A segment's memory is a tmpfs file without a name. Each shmat(2) opens it once more: the areas
 * that map it, split or inherited, hold that file, so that the references to a segment's files are
 * the number of its attachments.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "ckpt/record.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/sysv/sysv_internal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#define SHM_NORESERVE_K 010000

struct shm_attach {
    struct shm_segment *seg; /* owned */
    struct file *file;       /* weak: which owns this */
    struct list node;        /* in seg->attaches */
};

static pid_t current_tgid(void)
{
    const struct task *t = task_current();

    return t ? t->tg->tgid : 0;
}

static struct shm_segment *segment(struct ipc_object *o)
{
    return o ? container_of(o, struct shm_segment, o) : NULL;
}

static void segment_put(struct shm_segment *s)
{
    if (--s->refs)
        return;
    if (s->file)
        file_put(s->file);
    free(s);
}

unsigned long shm_attached(const struct shm_segment *s)
{
    const struct shm_attach *a;
    unsigned long n = 0;

    list_for_each(a, &s->attaches, node)
        n += a->file->refs;
    return n;
}

static void destroy(struct shm_segment *s)
{
    struct ipc_ns *ns = s->ns;

    if (!ns)
        return;
    s->ns = NULL;
    ns->shm_pages -= PAGE_UP(s->size) / NV_PAGE_SIZE;
    ipc_remove(ns, &s->o);
    segment_put(s);
}

static void remove_segment(struct shm_segment *s)
{
    if (!shm_attached(s)) {
        destroy(s);
        return;
    }
    s->o.mode |= SHM_DESTROYED;
    s->o.key = IPC_PRIVATE;
}

void shm_ns_exit(struct ipc_ns *ns)
{
    struct ipc_object *o;
    int i;

    ipc_for_each(i, o, ns, IPC_SHM) destroy(segment(o));
}

/* --- attachments --- */
static int shm_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot, int flags,
                    int *host_fd, uint64_t *host_off)
{
    const struct shm_attach *a = f->priv;

    return a->seg->file->ops->mmap(t, a->seg->file, off, len, prot, flags, host_fd, host_off);
}

static void shm_area_made(struct file *f)
{
    struct shm_segment *s = ((struct shm_attach *)f->priv)->seg;

    s->atime = ipc_time();
    s->lpid = current_tgid();
}

static void shm_area_gone(struct file *f)
{
    struct shm_segment *s = ((struct shm_attach *)f->priv)->seg;

    s->dtime = ipc_time();
    s->lpid = current_tgid();
}

static void shm_release(struct file *f)
{
    struct shm_attach *a = f->priv;
    struct shm_segment *s = a->seg;

    list_del(&a->node);
    free(a);
    if ((s->o.mode & SHM_DESTROYED) && list_empty(&s->attaches))
        destroy(s);
    segment_put(s);
}

static int shm_restore(struct file *f)
{
    struct shm_attach *a = f->priv;

    if (a->file || !a->seg->file || f->inode != a->seg->file->inode)
        return -EINVAL;
    a->file = f;
    list_add_tail(&a->seg->attaches, &a->node);
    return 0;
}

static void *attach_create(struct ckpt_reader *r)
{
    return calloc(1, sizeof(struct shm_attach));
}

static void attach_link(struct ckpt_reader *r, void *obj)
{
    if (!((struct shm_attach *)obj)->seg)
        ckpt_bad(r, "of no segment");
}

static const struct ckpt_field attach_fields[] = {CKPT_REF(struct shm_attach, seg, &ckpt_shm)};
static const struct ckpt_type ckpt_shm_attach = {
    .name = "shm attachment",
    .id = CT_SHM_ATTACH,
    .version = 1,
    CKPT_TABLE(attach_fields),
    .create = attach_create,
    .link = attach_link,
};
CKPT_TYPE_REGISTER(ckpt_shm_attach);

static const struct file_ops shm_file_ops = {
    .kind = "shm",
    .mmap = shm_mmap,
    .area_made = shm_area_made,
    .area_gone = shm_area_gone,
    .release = shm_release,
    .priv_type = &ckpt_shm_attach,
    .restore = shm_restore,
};
CKPT_SYMBOL("file_ops", "shm attachment", shm_file_ops);

/* --- shmget --- */
static int make_segment(struct task *t, struct ipc_ns *ns, const struct ipc_create *c,
                        struct ipc_object **out)
{
    uint64_t pages = c->size / NV_PAGE_SIZE + (c->size % NV_PAGE_SIZE != 0);
    char name[32];

    if (c->size < 1 || c->size > ns->shm_max)
        return -EINVAL;
    if (pages > ns->shm_all || ns->shm_pages > ns->shm_all - pages)
        return -ENOSPC;
    if (c->flags & SHM_HUGETLB) {
        explain_missing("shmget", "SHM_HUGETLB");
        return cred_capable(t->cred, CAP_IPC_LOCK) ? -ENOMEM : -EPERM;
    }
    if (pages > UINT64_MAX / 2 / NV_PAGE_SIZE ||
        (!(c->flags & SHM_NORESERVE_K) && c->size > sandbox->memory_bytes))
        return -ENOMEM;
    struct shm_segment *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    snprintf(name, sizeof(name), "/SYSV%08x", (unsigned int)c->key);
    s->file = tmpfs_anon_file(name, O_RDWR, c->size);
    if (!s->file) {
        free(s);
        return -ENOMEM;
    }
    list_init(&s->attaches);
    s->refs = 1;
    s->ns = ns;
    s->size = c->size;
    s->cpid = t->tg->tgid;
    s->ctime = ipc_time();
    ns->shm_pages += pages;
    *out = &s->o;
    return 0;
}

static void discard_segment(struct ipc_ns *ns, struct ipc_object *o)
{
    ns->shm_pages -= PAGE_UP(segment(o)->size) / NV_PAGE_SIZE;
    segment_put(segment(o));
}

static int segment_fits(const struct ipc_object *o, const struct ipc_create *c)
{
    return container_of(o, struct shm_segment, o)->size < c->size ? -EINVAL : 0;
}

long sys_shmget(struct task *t, const struct sysargs *a)
{
    return ipc_get(t, IPC_SHM,
                   &(struct ipc_create){.key = arg_i32(a, 0),
                                        .flags = arg_i32(a, 2),
                                        .make = make_segment,
                                        .discard = discard_segment,
                                        .fits = segment_fits,
                                        .size = arg_u64(a, 1)});
}

/* --- shmat, shmdt --- */
static struct file *attach_file(struct shm_segment *s, int flags)
{
    struct shm_attach *a = calloc(1, sizeof(*a));
    struct file *f = a ? file_new(&shm_file_ops, s->file->inode, &s->file->path, flags) : NULL;

    if (!f) {
        free(a);
        return NULL;
    }
    a->seg = s;
    a->file = f;
    s->refs++;
    list_add_tail(&s->attaches, &a->node);
    f->priv = a;
    return f;
}

/* do_shmat(): where, and how. */
static int attach_address(uint64_t *addr, int flags)
{
    if (!*addr)
        return flags & SHM_REMAP ? -EINVAL : 0;
    if (PAGE_OFF(*addr)) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        *addr = PAGE_DOWN(*addr);
        if (!*addr && (flags & SHM_REMAP))
            return -EINVAL;
    }
    return 0;
}

long sys_shmat(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 1);
    int id = arg_i32(a, 0), flags = arg_i32(a, 2), wanted = 0444;
    struct mmap_request r = {.prot = PROT_READ, .flags = MAP_SHARED};

    int err = id < 0 ? -EINVAL : attach_address(&addr, flags);
    if (err)
        return err;
    if (!(flags & SHM_RDONLY)) {
        r.prot |= PROT_WRITE;
        wanted |= 0222;
    }
    if (flags & SHM_EXEC) {
        r.prot |= PROT_EXEC;
        wanted |= 0111;
    }
    struct shm_segment *s = segment(ipc_find(t->ipc, IPC_SHM, id));
    if (!s)
        return -EINVAL;
    err = ipc_permitted(t, &s->o, wanted);
    if (err)
        return err;
    cleanup_file struct file *f = attach_file(s, flags & SHM_RDONLY ? O_RDONLY : O_RDWR);
    if (!f)
        return -ENOMEM;
    r.file = f;
    r.len = PAGE_UP(s->size);
    if (addr) {
        r.addr = addr;
        r.flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
        if (addr + r.len < addr)
            return -EINVAL;
    }
    int64_t at = mm_mmap(t->mm, t->thr, &r, t);
    if (at > 0)
        shm_area_made(f);
    return at == -EEXIST ? -EINVAL : at;
}

/* All pieces that are left of the attachment whose first byte was mapped at addr. */
static long detach(struct task *t, uint64_t addr)
{
    struct mm *mm = t->mm;
    struct file *f = NULL;
    long done = -EINVAL;
    uint64_t at = addr, end = NV_TASK_SIZE;

    for (int i = vma_index(mm->vmas, at); i < mm->vmas->n && mm->vmas->v[i].start < end;
         i = vma_index(mm->vmas, at)) {
        struct vma v = mm->vmas->v[i];
        bool ours = v.file && v.file->ops == &shm_file_ops && v.start - addr == v.pgoff &&
                    (!f || v.file == f);
        at = v.end;
        if (!ours)
            continue;
        if (!f) {
            f = v.file;
            end = addr + PAGE_UP(((struct shm_attach *)f->priv)->seg->size);
        }
        int err = mm_munmap(mm, t->thr, v.start, v.end - v.start);
        if (err)
            return err;
        done = 0;
    }
    return done;
}

long sys_shmdt(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0);

    if (PAGE_OFF(addr) || addr >= NV_TASK_SIZE)
        return -EINVAL;
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    long r = detach(t, addr);
    mm_unlock(t->mm);
    return r;
}

/* --- shmctl --- */
static long ipc_info(struct task *t, uint64_t buf)
{
    const struct ipc_ns *ns = t->ipc;
    struct shminfo info = {.shmmax = ns->shm_max,
                           .shmmin = 1,
                           .shmmni = ns->shm_mni,
                           .shmseg = ns->shm_mni,
                           .shmall = ns->shm_all};

    return put_user(t, &info, buf) ? -EFAULT : ipc_max_index(ns, IPC_SHM);
}

static uint64_t resident_pages(const struct shm_segment *s)
{
    struct stat st;
    int fd = tmpfs_host_fd(s->file);

    return fd < 0 || fstat(fd, &st) ? 0 : (uint64_t)st.st_blocks * 512 / NV_PAGE_SIZE;
}

static long shm_info(struct task *t, uint64_t buf)
{
    struct ipc_ns *ns = t->ipc;
    struct shm_info info = {.used_ids = ns->ids[IPC_SHM].in_use, .shm_tot = ns->shm_pages};
    struct ipc_object *o;
    int i;

    ipc_for_each(i, o, ns, IPC_SHM) info.shm_rss += resident_pages(segment(o));
    return put_user(t, &info, buf) ? -EFAULT : ipc_max_index(ns, IPC_SHM);
}

static long shm_stat(struct task *t, int id, int cmd, uint64_t buf)
{
    struct ipc_object *o;
    struct shmid_ds ds;

    int err = ipc_find_stat(t, IPC_SHM, id, cmd != IPC_STAT, cmd == SHM_STAT_ANY, &o);
    if (err)
        return err;
    const struct shm_segment *s = segment(o);
    memset(&ds, 0, sizeof(ds));
    ipc_show_perm(o, &ds.shm_perm);
    ds.shm_segsz = s->size;
    ds.shm_atime = s->atime;
    ds.shm_dtime = s->dtime;
    ds.shm_ctime = s->ctime;
    ds.shm_cpid = s->cpid;
    ds.shm_lpid = s->lpid;
    ds.shm_nattch = shm_attached(s);
    return put_user(t, &ds, buf) ? -EFAULT : cmd == IPC_STAT ? 0 : o->id;
}

static long shm_lock(struct task *t, struct shm_segment *s, bool lock)
{
    const struct cred *c = t->cred;

    if (!cred_capable(c, CAP_IPC_LOCK)) {
        if (c->euid != s->o.uid && c->euid != s->o.cuid)
            return -EPERM;
        if (lock && !rlimit_cur(t, RLIMIT_MEMLOCK))
            return -EPERM;
    }
    s->o.mode = lock ? s->o.mode | SHM_IS_LOCKED : s->o.mode & ~(mode_t)SHM_IS_LOCKED;
    return 0;
}

static long shm_change(struct task *t, struct shm_segment *s, int cmd, const struct shmid_ds *ds)
{
    int err = s ? ipc_owned(t, &s->o) : -EINVAL;

    if (err)
        return err;
    if (cmd == IPC_RMID) {
        remove_segment(s);
        return 0;
    }
    ipc_set_perm(&s->o, &ds->shm_perm);
    s->ctime = ipc_time();
    return 0;
}

long sys_shmctl(struct task *t, const struct sysargs *a)
{
    int id = arg_i32(a, 0), cmd = arg_i32(a, 1);
    uint64_t buf = arg_u64(a, 2);
    struct shmid_ds ds;

    if (cmd < 0 || id < 0)
        return -EINVAL;
    struct shm_segment *s = segment(ipc_find(t->ipc, IPC_SHM, id));
    switch (cmd) {
    case IPC_INFO:
        return ipc_info(t, buf);
    case SHM_INFO:
        return shm_info(t, buf);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return shm_stat(t, id, cmd, buf);
    case IPC_SET:
        if (get_user(t, &ds, buf))
            return -EFAULT;
        return shm_change(t, s, cmd, &ds);
    case IPC_RMID:
        return shm_change(t, s, cmd, NULL);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return s ? shm_lock(t, s, cmd == SHM_LOCK) : -EINVAL;
    default:
        return -EINVAL;
    }
}

int shm_proc_fill(struct task *t, struct strbuf *out)
{
    struct task *me = task_current();
    struct ipc_object *o;
    int i;

    strbuf_puts(out, "       key      shmid perms                  size  cpid  lpid nattch   uid   "
                     "gid  cuid  cgid      atime      dtime      ctime                   rss       "
                     "           swap\n");
    ipc_for_each(i, o, me->ipc, IPC_SHM)
    {
        const struct shm_segment *s = segment(o);
        strbuf_printf(out,
                      "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10ld %10ld %10ld %21lu "
                      "%21lu\n",
                      o->key, o->id, o->mode, (unsigned long)s->size, s->cpid, s->lpid,
                      shm_attached(s), o->uid, o->gid, o->cuid, o->cgid, (long)s->atime,
                      (long)s->dtime, (long)s->ctime,
                      (unsigned long)resident_pages(s) * NV_PAGE_SIZE, 0UL);
    }
    return 0;
}

/* --- checkpoints --- */
static void *shm_create(struct ckpt_reader *r)
{
    struct shm_segment *s = calloc(1, sizeof(*s));

    if (s) {
        list_init(&s->attaches);
        s->o.kind = IPC_SHM;
    }
    return s;
}

static void shm_save(struct ckpt_writer *w, void *obj)
{
    const struct shm_segment *s = obj;

    ckpt_put_fields(w, ipc_object_fields, ipc_object_nfields, &s->o);
}

static void shm_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct shm_segment *s = obj;

    ckpt_get_fields(r, ipc_object_fields, ipc_object_nfields, &s->o, version);
}

static void shm_link(struct ckpt_reader *r, void *obj)
{
    const struct shm_segment *s = obj;

    if (!s->size || !s->refs || !s->file || !tmpfs_is_file(s->file) ||
        (uint64_t)s->file->inode->size < s->size)
        ckpt_bad(r, "a segment without its memory");
}

static void shm_hold(void *obj)
{
    ((struct shm_segment *)obj)->refs++;
}

static const struct ckpt_field shm_fields[] = {
    CKPT_REF(struct shm_segment, file, &ckpt_file),
    CKPT_UINT_MAX(struct shm_segment, size, INT64_MAX),
    CKPT_UINT(struct shm_segment, atime),
    CKPT_UINT(struct shm_segment, dtime),
    CKPT_UINT(struct shm_segment, ctime),
    CKPT_UINT(struct shm_segment, cpid),
    CKPT_UINT(struct shm_segment, lpid),
};

const struct ckpt_type ckpt_shm = {
    .name = "shm segment",
    .id = CT_SHM,
    .version = 1,
    CKPT_TABLE(shm_fields),
    .save = shm_save,
    .create = shm_create,
    .load = shm_load,
    .link = shm_link,
    .hold = shm_hold,
};
CKPT_TYPE_REGISTER(ckpt_shm);
