/*
 * Provided buffers: groups from which requests with IOSQE_BUFFER_SELECT take one when they have
 * something to put there. A group is a list of what IORING_OP_PROVIDE_BUFFERS gave, or a ring in
 * memory, the guest's own or ours, whose tail the guest moves on. Such memory may change at any
 * time: an entry is read once, and our place in it (head) is kept outside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/mm/mm.h"

#define GROUPS_MAX 4096              /* of a ring */
#define BUFS_MAX 262144U             /* of all rings */
#define RINGS_MAX_BYTES (64UL << 20) /* of memory of ours, of all rings */
#define TAIL 14                      /* of struct io_uring_buf_ring */

struct buf {
    struct list node;
    uint64_t addr;
    uint32_t len;
    uint16_t bid;
};

struct kbuf_group {
    struct hash_node node; /* of the ring's, by bgid */
    struct list all_node;
    uint16_t bgid;
    bool is_ring, partly; /* partly: a buffer is used up bit by bit */
    /* Lists: */
    struct list bufs;
    uint32_t nbufs;
    /* Rings: at addr of the guest's, or in memory of ours, mapped. */
    uint64_t addr;
    struct file *mem;
    char *map;
    size_t len;
    uint32_t entries;
    uint16_t head;
};

static uint32_t nbufs_all;
static size_t ring_bytes;

static struct kbuf_group *find(const struct uring *u, uint16_t bgid)
{
    struct hash_node *n = hash_find(&u->groups, bgid); /* no others have this hash */

    return n ? container_of(n, struct kbuf_group, node) : NULL;
}

static struct kbuf_group *find_or_make(struct uring *u, uint16_t bgid)
{
    struct kbuf_group *g = find(u, bgid);

    if (g || u->groups.n >= GROUPS_MAX)
        return g;
    g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->bgid = bgid;
    list_init(&g->bufs);
    hash_add(&u->groups, &g->node, bgid);
    list_add(&u->all_groups, &g->all_node);
    return g;
}

static void drop_first(struct kbuf_group *g)
{
    struct buf *b = list_first(&g->bufs, struct buf, node);

    list_del(&b->node);
    free(b);
    g->nbufs--;
    nbufs_all--;
}

static void ring_drop(struct kbuf_group *g)
{
    if (g->map)
        munmap(g->map, g->len);
    if (g->mem) {
        file_put(g->mem);
        ring_bytes -= g->len;
    }
}

static void group_free(struct uring *u, struct kbuf_group *g)
{
    while (g->nbufs)
        drop_first(g);
    ring_drop(g);
    hash_del(&u->groups, &g->node);
    list_del(&g->all_node);
    free(g);
}

void kbuf_drop_all(struct uring *u)
{
    while (!list_empty(&u->all_groups))
        group_free(u, list_first(&u->all_groups, struct kbuf_group, all_node));
    hash_free(&u->groups);
}

/* --- taking and giving back --- */
static int ring_read(struct uring_req *r, struct kbuf_group *g, void *to, size_t off, size_t len)
{
    if (!g->map)
        return copy_in(r->task, to, g->addr + off, len);
    memcpy(to, g->map + off, len);
    __asm__ volatile("" ::: "memory"); /* what follows is about the copy */
    return 0;
}

static int take_from_ring(struct uring_req *r, struct kbuf_group *g)
{
    size_t at = (size_t)(g->head & (g->entries - 1)) * sizeof(struct io_uring_buf);
    struct io_uring_buf b;
    uint16_t tail;

    if (ring_read(r, g, &tail, TAIL, sizeof(tail)) || tail == g->head ||
        ring_read(r, g, &b, at, sizeof(b)))
        return -ENOBUFS;
    r->kbuf = (struct kbuf){true, true, g->bgid, b.bid, g->head, b.addr, b.len};
    g->head++;
    return 0;
}

static int take_from_list(struct uring_req *r, struct kbuf_group *g)
{
    if (!g->nbufs)
        return -ENOBUFS;
    const struct buf *b = list_first(&g->bufs, struct buf, node);
    r->kbuf = (struct kbuf){true, false, g->bgid, b->bid, 0, b->addr, b->len};
    drop_first(g);
    return 0;
}

int kbuf_select(struct uring_req *r, uint64_t *addr, size_t *len)
{
    struct kbuf_group *g = find(r->ring, r->sqe.buf_group);

    if (!g)
        return -ENOBUFS;
    int err = g->is_ring ? take_from_ring(r, g) : take_from_list(r, g);
    if (err)
        return err;
    if (!*len || *len > r->kbuf.len)
        *len = r->kbuf.len;
    *addr = r->kbuf.addr;
    return 0;
}

static struct buf *buf_new(uint64_t addr, uint32_t len, uint16_t bid)
{
    struct buf *b = nbufs_all < BUFS_MAX ? malloc(sizeof(*b)) : NULL;

    if (b) {
        *b = (struct buf){.addr = addr, .len = len, .bid = bid};
        nbufs_all++;
    }
    return b;
}

/* The group may have gone meanwhile, or may be another by now: then the buffer is lost. */
void kbuf_recycle(struct uring_req *r)
{
    const struct kbuf *k = &r->kbuf;

    if (!k->taken)
        return;
    r->kbuf.taken = false;
    struct kbuf_group *g = find(r->ring, k->bgid);
    if (!g || g->is_ring != k->from_ring)
        return;
    if (g->is_ring) {
        if ((uint16_t)(k->head + 1) == g->head)
            g->head--;
        return;
    }
    struct buf *b = buf_new(k->addr, k->len, k->bid);
    if (b) {
        list_add(&g->bufs, &b->node);
        g->nbufs++;
    }
}

/* IOU_PBUF_RING_INC: the entry becomes what is left, until that is nothing. */
static bool some_left(struct uring_req *r, struct kbuf_group *g, size_t n)
{
    struct kbuf *k = &r->kbuf;
    size_t at = (size_t)(k->head & (g->entries - 1)) * sizeof(struct io_uring_buf);
    struct io_uring_buf b = {.addr = k->addr + n, .len = k->len - (uint32_t)n, .bid = k->bid};
    const size_t used = offsetof(struct io_uring_buf, resv);

    if (n >= k->len || (uint16_t)(k->head + 1) != g->head)
        return false;
    if (g->map)
        memcpy(g->map + at, &b, used);
    else if (copy_out(r->task, g->addr + at, &b, used))
        return false;
    g->head--;
    return true;
}

void kbuf_commit(struct uring_req *r, size_t n)
{
    if (!r->kbuf.taken)
        return;
    struct kbuf_group *g = find(r->ring, r->kbuf.bgid);
    r->cflags |= IORING_CQE_F_BUFFER | (uint32_t)r->kbuf.bid << IORING_CQE_BUFFER_SHIFT;
    if (g && g->partly && r->kbuf.from_ring && some_left(r, g, n))
        r->cflags |= URING_CQE_F_BUF_MORE;
    r->kbuf.taken = false;
}

/* --- IORING_OP_PROVIDE_BUFFERS, IORING_OP_REMOVE_BUFFERS --- */
int uring_prep_provide(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t size = (uint64_t)s->len * (uint32_t)s->fd, end;

    if (s->rw_flags || s->splice_fd_in)
        return -EINVAL;
    if (s->fd <= 0 || s->fd > UINT16_MAX)
        return -E2BIG;
    if (!s->len)
        return -EINVAL;
    if (__builtin_add_overflow(s->addr, size, &end))
        return -EOVERFLOW;
    if (!user_range_ok(s->addr, size))
        return -EFAULT;
    if (s->off > UINT16_MAX)
        return -E2BIG;
    return s->off + (uint32_t)s->fd - 1 > UINT16_MAX ? -EINVAL : 0;
}

long uring_do_provide(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct kbuf_group *g = find_or_make(r->ring, s->buf_group);
    long err = 0;
    int i;

    if (!g)
        return -ENOMEM;
    if (g->is_ring)
        return -EINVAL;
    for (i = 0; i < s->fd; i++) {
        /* More than there are numbers for are of no use. */
        struct buf *b = NULL;
        err = g->nbufs == UINT16_MAX ? -EOVERFLOW : -ENOMEM;
        if (err == -ENOMEM)
            b = buf_new(s->addr + (uint64_t)i * s->len, s->len, (uint16_t)(s->off + (uint32_t)i));
        if (!b)
            break;
        list_add_tail(&g->bufs, &b->node);
        g->nbufs++;
    }
    return i ? 0 : err;
}

int uring_prep_remove(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->rw_flags || s->addr || s->len || s->off || s->splice_fd_in)
        return -EINVAL;
    return s->fd <= 0 || s->fd > UINT16_MAX ? -EINVAL : 0;
}

long uring_do_remove(struct uring_req *r)
{
    struct kbuf_group *g = find(r->ring, r->sqe.buf_group);
    long n = 0;

    if (!g)
        return -ENOENT;
    if (g->is_ring)
        return -EINVAL;
    for (; n < r->sqe.fd && g->nbufs; n++)
        drop_first(g);
    return n;
}

/* --- rings of buffers --- */
static int get_reg(struct task *t, uint64_t arg, uint32_t n, struct uring_buf_reg *reg)
{
    if (!arg || n != 1)
        return -EINVAL;
    if (get_user(t, reg, arg))
        return -EFAULT;
    return reg->resv[0] || reg->resv[1] || reg->resv[2] ? -EINVAL : 0;
}

static int ring_memory(struct kbuf_group *g, size_t len)
{
    if (len > RINGS_MAX_BYTES - ring_bytes)
        return -ENOMEM;
    struct file *mem = tmpfs_anon_file("[io_uring]", O_RDWR, len);
    int fd = mem ? tmpfs_host_fd(mem) : -ENOMEM;
    if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
        fd = -errno;
    char *p = fd < 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        if (mem)
            file_put(mem);
        return fd < 0 ? fd : -ENOMEM;
    }
    g->mem = mem;
    g->map = p;
    g->len = len;
    ring_bytes += len;
    return 0;
}

long kbuf_ring_register(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct uring_buf_reg reg;
    int err = get_reg(t, arg, n, &reg);

    if (err)
        return err;
    bool ours = reg.flags & URING_PBUF_RING_MMAP;
    if (reg.flags & ~(URING_PBUF_RING_MMAP | URING_PBUF_RING_INC))
        return -EINVAL;
    if (!reg.ring_entries || (reg.ring_entries & (reg.ring_entries - 1)) ||
        reg.ring_entries >= 65536) /* full and empty would be the same */
        return -EINVAL;
    size_t len = PAGE_UP((size_t)reg.ring_entries * sizeof(struct io_uring_buf));
    if (!ours && !reg.ring_addr)
        return -EFAULT;
    if (reg.ring_addr & (NV_PAGE_SIZE - 1))
        return -EINVAL;
    struct kbuf_group *g = find(u, reg.bgid);
    if (g && (g->is_ring || g->nbufs))
        return -EEXIST;
    if (!ours && !mm_access_ok(t->mm, reg.ring_addr, len, VM_READ | VM_WRITE))
        return -EFAULT;
    g = find_or_make(u, reg.bgid);
    err = !g ? -ENOMEM : ours ? ring_memory(g, len) : 0;
    if (err) {
        if (g)
            group_free(u, g);
        return err;
    }
    g->is_ring = true;
    g->partly = reg.flags & URING_PBUF_RING_INC;
    g->addr = reg.ring_addr;
    g->entries = reg.ring_entries;
    return 0;
}

long kbuf_ring_unregister(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct uring_buf_reg reg;
    int err = get_reg(t, arg, n, &reg);

    if (err)
        return err;
    if (reg.flags)
        return -EINVAL;
    struct kbuf_group *g = find(u, reg.bgid);
    if (!g)
        return -ENOENT;
    if (!g->is_ring)
        return -EINVAL;
    group_free(u, g);
    return 0;
}

long kbuf_ring_status(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct uring_buf_status st;

    if (!arg || n != 1)
        return -EINVAL;
    if (get_user(t, &st, arg))
        return -EFAULT;
    for (size_t i = 0; i < ARRAY_SIZE(st.resv); i++)
        if (st.resv[i])
            return -EINVAL;
    const struct kbuf_group *g =
        st.buf_group <= UINT16_MAX ? find(u, (uint16_t)st.buf_group) : NULL;
    if (!g)
        return -ENOENT;
    if (!g->is_ring)
        return -EINVAL;
    st.head = g->head;
    return put_user(t, &st, arg) ? -EFAULT : 0;
}

struct file *kbuf_ring_memory(struct uring *u, uint16_t bgid, size_t *len)
{
    const struct kbuf_group *g = find(u, bgid);

    if (!g || !g->mem)
        return NULL;
    *len = g->len;
    return g->mem;
}
