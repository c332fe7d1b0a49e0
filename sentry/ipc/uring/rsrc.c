/*
 * Registered files and buffers: tables of nodes that requests hold while they use them. A node with
 * a tag tells of its end by a completion.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/kernel/cred.h"
#include "sentry/mm/mm.h"

#define BUFS_MAX 16384
#define FILES_MAX 32768
#define BUF_LEN_MAX (1UL << 30)

struct uring_rsrc *rsrc_get(const struct uring_table *tab, uint32_t i)
{
    struct uring_rsrc *n = i < tab->n ? tab->v[i] : NULL;

    if (n)
        n->refs++;
    return n;
}

void rsrc_put(struct uring *u, struct uring_rsrc *n)
{
    if (--n->refs)
        return;
    if (n->tag && !u->dead)
        uring_post(u, &(struct uring_cqe){.user_data = n->tag});
    if (n->file)
        file_put(n->file);
    free(n);
}

static void slot_set(struct uring *u, struct uring_rsrc **slot, struct uring_rsrc *n)
{
    struct uring_rsrc *old = *slot;

    *slot = n;
    if (old)
        rsrc_put(u, old);
}

void rsrc_drop_all(struct uring *u, struct uring_table *tab)
{
    for (uint32_t i = 0; i < tab->n; i++)
        slot_set(u, &tab->v[i], NULL);
    free(tab->v);
    *tab = (struct uring_table){0};
}

static int table_new(struct uring_table *tab, uint32_t n)
{
    tab->v = calloc(n, sizeof(*tab->v));
    tab->n = tab->v ? n : 0;
    return tab->v ? 0 : -ENOMEM;
}

static struct uring_rsrc *node_new(uint64_t tag)
{
    struct uring_rsrc *n = calloc(1, sizeof(*n));

    if (n) {
        n->refs = 1;
        n->tag = tag;
    }
    return n;
}

/* --- files --- */
/* Of what IORING_FILE_INDEX_ALLOC may take. */
static long free_slot(struct uring *u)
{
    uint32_t n = u->alloc_to - u->alloc_from;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = u->alloc_from + (u->alloc_hint - u->alloc_from + i) % n;
        if (!u->files.v[at]) {
            u->alloc_hint = at + 1 < u->alloc_to ? at + 1 : u->alloc_from;
            return at;
        }
    }
    return -ENFILE;
}

static void alloc_range(struct uring *u, uint32_t from, uint32_t to)
{
    u->alloc_from = u->alloc_hint = from;
    u->alloc_to = to;
}

static long install(struct uring *u, struct file *f, uint32_t slot)
{
    bool alloc = slot == IORING_FILE_INDEX_ALLOC;

    if (is_uring(f))
        return -EBADF;
    if (!u->files.v)
        return -ENXIO;
    long at = alloc ? free_slot(u) : (long)slot - 1;
    if (at < 0)
        return at;
    if (at >= u->files.n)
        return -EINVAL;
    struct uring_rsrc *n = node_new(0);
    if (!n)
        return -ENOMEM;
    n->file = file_get(f);
    slot_set(u, &u->files.v[at], n);
    return alloc ? at : 0;
}

long rsrc_install(struct uring *u, struct file *f, uint32_t slot)
{
    long n = install(u, f, slot);

    file_put(f);
    return n;
}

long rsrc_remove_file(struct uring *u, uint32_t slot)
{
    if (!u->files.v)
        return -ENXIO;
    if (slot >= u->files.n)
        return -EINVAL;
    if (!u->files.v[slot])
        return -EBADF;
    slot_set(u, &u->files.v[slot], NULL);
    return 0;
}

/* *out NULL: -1 leaves the place free. A ring in a ring would never go. */
static int take_file(struct task *t, int fd, uint64_t tag, struct uring_rsrc **out)
{
    *out = NULL;
    if (fd == -1)
        return tag ? -EINVAL : 0;
    struct file *f = fd_get(t, fd);
    struct uring_rsrc *n = f && !is_uring(f) ? node_new(tag) : NULL;
    if (n) {
        n->file = f;
        *out = n;
        return 0;
    }
    int err = f && !is_uring(f) ? -ENOMEM : -EBADF;
    if (f)
        file_put(f);
    return err;
}

static int tag_at(struct task *t, uint64_t tags, uint32_t i, uint64_t *tag)
{
    *tag = 0;
    return tags && get_user(t, tag, tags + i * sizeof(*tag)) ? -EFAULT : 0;
}

static long set_files(struct task *t, struct uring *u, uint64_t arg, uint64_t tags, uint32_t n)
{
    int err = 0;

    if (u->files.v)
        return -EBUSY;
    if (!n)
        return -EINVAL;
    if (n > FILES_MAX || n > rlimit_cur(t, RLIMIT_NOFILE))
        return -EMFILE;
    err = table_new(&u->files, n);
    for (uint32_t i = 0; !err && i < n; i++) {
        uint64_t tag;
        int fd = -1;
        err = tag_at(t, tags, i, &tag);
        if (!err && arg && get_user(t, &fd, arg + i * sizeof(fd)))
            err = -EFAULT;
        if (!err)
            err = take_file(t, fd, tag, &u->files.v[i]);
    }
    if (err) {
        for (uint32_t i = 0; i < u->files.n; i++) /* nothing has been that could end */
            if (u->files.v[i])
                u->files.v[i]->tag = 0;
        rsrc_drop_all(u, &u->files);
    } else {
        alloc_range(u, 0, n);
    }
    return err;
}

long rsrc_update_files(struct task *t, struct uring *u, uint64_t addr, uint64_t tags, uint32_t off,
                       uint32_t n)
{
    uint32_t i, end;
    int err = 0;

    if (!u->files.v)
        return -ENXIO;
    if (__builtin_add_overflow(off, n, &end))
        return -EOVERFLOW;
    if (end > u->files.n)
        return -EINVAL;
    for (i = 0; i < n; i++) {
        struct uring_rsrc *f;
        uint64_t tag;
        int fd;
        err = tag_at(t, tags, i, &tag);
        if (!err && get_user(t, &fd, addr + i * sizeof(fd)))
            err = -EFAULT;
        if (!err && fd == IORING_REGISTER_FILES_SKIP && !tag)
            continue;
        if (!err)
            err = fd == IORING_REGISTER_FILES_SKIP ? -EINVAL : take_file(t, fd, tag, &f);
        if (err)
            break;
        slot_set(u, &u->files.v[off + i], f);
    }
    return i ? (long)i : err;
}

/* With IORING_FILE_INDEX_ALLOC each goes where there is room, and the numbers are told. */
static long update_alloc(struct uring_req *r)
{
    uint32_t i;
    long err = 0;

    if (!r->ring->files.v)
        return -ENXIO;
    for (i = 0; i < r->sqe.len && !err; i++) {
        uint64_t at = r->sqe.addr + i * sizeof(int);
        int fd;
        if (get_user(r->task, &fd, at))
            err = -EFAULT;
        struct file *f = err ? NULL : fd_get(r->task, fd);
        if (!err && !f)
            err = -EBADF;
        if (err)
            break;
        long slot = rsrc_install(r->ring, f, IORING_FILE_INDEX_ALLOC);
        if (slot < 0)
            err = slot;
        else if (store_u32(r->task, at, (uint32_t)slot)) {
            rsrc_remove_file(r->ring, (uint32_t)slot);
            err = -EFAULT;
        }
        if (err)
            break;
    }
    return i ? (long)i : err;
}

long rsrc_files_update_op(struct uring_req *r)
{
    if ((uint32_t)r->sqe.off == IORING_FILE_INDEX_ALLOC)
        return update_alloc(r);
    return rsrc_update_files(r->task, r->ring, r->sqe.addr, 0, (uint32_t)r->sqe.off, r->sqe.len);
}

/* --- buffers --- */
/* io_sqe_buffer_register(): NULL and no length leaves the place free. */
static int take_buffer(struct task *t, const struct iovec *v, uint64_t tag, struct uring_rsrc **out)
{
    *out = NULL;
    if ((ssize_t)v->iov_len < 0)
        return -EINVAL;
    if (!v->iov_base)
        return v->iov_len ? -EFAULT : tag ? -EINVAL : 0;
    if (!v->iov_len || v->iov_len > BUF_LEN_MAX)
        return -EFAULT;
    if (!user_range_ok((uint64_t)v->iov_base, v->iov_len))
        return -EOVERFLOW;
    if (!mm_access_ok(t->mm, (uint64_t)v->iov_base, v->iov_len, VM_READ | VM_WRITE))
        return -EFAULT;
    *out = node_new(tag);
    if (!*out)
        return -ENOMEM;
    (*out)->buf = *v;
    return 0;
}

/* Of an array at addr, or of none: all places are free. */
static int buffer_at(struct task *t, uint64_t addr, uint64_t tags, uint32_t i,
                     struct uring_rsrc **out)
{
    struct iovec v = {0};
    uint64_t tag;
    int err = tag_at(t, tags, i, &tag);

    if (!err && addr && get_user(t, &v, addr + i * sizeof(v)))
        err = -EFAULT;
    return err ? err : take_buffer(t, &v, tag, out);
}

static long set_buffers(struct task *t, struct uring *u, uint64_t arg, uint64_t tags, uint32_t n)
{
    if (u->bufs.v)
        return -EBUSY;
    if (!n || n > BUFS_MAX)
        return -EINVAL;
    int err = table_new(&u->bufs, n);
    for (uint32_t i = 0; !err && i < n; i++)
        err = buffer_at(t, arg, tags, i, &u->bufs.v[i]);
    if (err) {
        for (uint32_t i = 0; i < u->bufs.n; i++)
            if (u->bufs.v[i])
                u->bufs.v[i]->tag = 0;
        rsrc_drop_all(u, &u->bufs);
    }
    return err;
}

static long update_buffers(struct task *t, struct uring *u, uint64_t addr, uint64_t tags,
                           uint32_t off, uint32_t n)
{
    uint32_t i, end;
    int err = 0;

    if (!u->bufs.v)
        return -ENXIO;
    if (__builtin_add_overflow(off, n, &end))
        return -EOVERFLOW;
    if (end > u->bufs.n)
        return -EINVAL;
    for (i = 0; i < n; i++) {
        struct uring_rsrc *b;
        err = buffer_at(t, addr, tags, i, &b);
        if (err)
            break;
        slot_set(u, &u->bufs.v[off + i], b);
    }
    return i ? (long)i : err;
}

/* --- io_uring_register(2) --- */
static long register2(struct task *t, struct uring *u, uint64_t arg, uint32_t size, bool files)
{
    struct io_uring_rsrc_register reg;

    if (size != sizeof(reg))
        return -EINVAL;
    if (get_user(t, &reg, arg))
        return -EFAULT;
    if (!reg.nr || reg.resv2 || reg.flags & ~(uint32_t)IORING_RSRC_REGISTER_SPARSE)
        return -EINVAL;
    if ((reg.flags & IORING_RSRC_REGISTER_SPARSE) && reg.data)
        return -EINVAL;
    return files ? set_files(t, u, reg.data, reg.tags, reg.nr)
                 : set_buffers(t, u, reg.data, reg.tags, reg.nr);
}

static long update2(struct task *t, struct uring *u, uint64_t arg, uint32_t size, bool files)
{
    struct io_uring_rsrc_update2 up;

    if (size != sizeof(up))
        return -EINVAL;
    if (get_user(t, &up, arg))
        return -EFAULT;
    if (!up.nr || up.resv || up.resv2)
        return -EINVAL;
    return files ? rsrc_update_files(t, u, up.data, up.tags, up.offset, up.nr)
                 : update_buffers(t, u, up.data, up.tags, up.offset, up.nr);
}

static long update_files(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct io_uring_files_update up;

    if (!n)
        return -EINVAL;
    if (get_user(t, &up, arg))
        return -EFAULT;
    return up.resv ? -EINVAL : rsrc_update_files(t, u, up.fds, 0, up.offset, n);
}

static long unregister(struct uring *u, struct uring_table *tab, uint64_t arg, uint32_t n)
{
    if (arg || n)
        return -EINVAL;
    if (!tab->v)
        return -ENXIO;
    rsrc_drop_all(u, tab);
    return 0;
}

static long set_alloc_range(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct io_uring_file_index_range range;
    uint32_t end;

    if (!arg || n)
        return -EINVAL;
    if (get_user(t, &range, arg))
        return -EFAULT;
    if (__builtin_add_overflow(range.off, range.len, &end))
        return -EOVERFLOW;
    if (range.resv || end > u->files.n)
        return -EINVAL;
    alloc_range(u, range.off, end);
    return 0;
}

bool rsrc_registers(unsigned int op)
{
    switch (op) {
    case IORING_REGISTER_BUFFERS:
    case IORING_UNREGISTER_BUFFERS:
    case IORING_REGISTER_FILES:
    case IORING_UNREGISTER_FILES:
    case IORING_REGISTER_FILES_UPDATE:
    case IORING_REGISTER_FILES2:
    case IORING_REGISTER_FILES_UPDATE2:
    case IORING_REGISTER_BUFFERS2:
    case IORING_REGISTER_BUFFERS_UPDATE:
    case IORING_REGISTER_FILE_ALLOC_RANGE:
        return true;
    default:
        return false;
    }
}

long rsrc_register(struct task *t, struct uring *u, unsigned int op, uint64_t arg, uint32_t n)
{
    switch (op) {
    case IORING_REGISTER_BUFFERS:
        return arg ? set_buffers(t, u, arg, 0, n) : -EFAULT;
    case IORING_UNREGISTER_BUFFERS:
        return unregister(u, &u->bufs, arg, n);
    case IORING_REGISTER_FILES:
        return arg ? set_files(t, u, arg, 0, n) : -EFAULT;
    case IORING_UNREGISTER_FILES:
        return unregister(u, &u->files, arg, n);
    case IORING_REGISTER_FILES_UPDATE:
        return update_files(t, u, arg, n);
    case IORING_REGISTER_FILES2:
    case IORING_REGISTER_BUFFERS2:
        return register2(t, u, arg, n, op == IORING_REGISTER_FILES2);
    case IORING_REGISTER_FILES_UPDATE2:
    case IORING_REGISTER_BUFFERS_UPDATE:
        return update2(t, u, arg, n, op == IORING_REGISTER_FILES_UPDATE2);
    default: /* IORING_REGISTER_FILE_ALLOC_RANGE */
        return set_alloc_range(t, u, arg, n);
    }
}
