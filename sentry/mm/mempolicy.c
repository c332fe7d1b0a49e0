/*
 * Memory policy, of a machine with one node: set_mempolicy(2), mbind(2) and their kin. Policies are
 * checked and kept as Linux does; there is nothing else for them to do.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/syscall.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm_internal.h"

#define NODES 1024 /* bits of a kernel's nodemask */
#define MODE_FLAGS (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING)
#define MODES 7 /* with MPOL_WEIGHTED_INTERLEAVE, which the headers may lack */
#define WEIGHTED_INTERLEAVE 6
#define PAGES_A_TURN 64 /* before others have theirs */

/* A policy is one byte: mode, mode flags, and whether node 0 is in its mask. 0: the default. */
#define POLICY_MODE 7u
#define POLICY_FLAGS_SHIFT 10 /* from where they are in a mode */
#define POLICY_NODE0 0x40u

/* --- masks of nodes --- */
struct nodes {
    bool node0, any;
};

static int get_nodes(struct task *t, uint64_t addr, uint64_t maxnode, struct nodes *out)
{
    *out = (struct nodes){0};
    if (--maxnode == 0 || !addr)
        return 0;
    if (maxnode > NV_PAGE_SIZE * 8)
        return -EINVAL;
    for (uint64_t bit = 0; bit < maxnode; bit += 64) {
        uint64_t word;
        if (get_user(t, &word, addr + bit / 8))
            return -EFAULT;
        if (maxnode - bit < 64)
            word &= (1ULL << (maxnode - bit)) - 1;
        if (word && bit >= NODES)
            return -EINVAL;
        out->any |= word != 0;
        out->node0 |= bit == 0 && (word & 1);
    }
    return 0;
}

static int put_nodes(struct task *t, uint64_t addr, uint64_t maxnode, bool node0)
{
    uint64_t bytes = (maxnode - 1 + 63) / 64 * 8, word = node0;
    static const char zeros[NV_PAGE_SIZE];

    if (bytes > sizeof(word)) {
        if (bytes > NV_PAGE_SIZE)
            return -EINVAL;
        if (copy_out(t, addr + sizeof(word), zeros, bytes - sizeof(word)))
            return -EFAULT;
        bytes = sizeof(word);
    }
    return copy_out(t, addr, &word, bytes);
}

/* --- policies --- */
/* mpol_new() and mpol_set_nodemask() of the kernel's mm/mempolicy.c. */
static int make_policy(int given, const struct nodes *n, uint8_t *out)
{
    int flags = given & MODE_FLAGS, mode = given & ~MODE_FLAGS;
    bool fixed = flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);

    if (mode < 0 || mode >= MODES ||
        (flags & MPOL_F_STATIC_NODES && flags & MPOL_F_RELATIVE_NODES) ||
        (flags & MPOL_F_NUMA_BALANCING && mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY))
        return -EINVAL;
    *out = 0;
    if (mode == MPOL_DEFAULT)
        return n->any ? -EINVAL : 0;
    if (mode == MPOL_PREFERRED && !n->any)
        mode = MPOL_LOCAL;
    if (mode == MPOL_LOCAL ? n->any || fixed : !n->node0)
        return -EINVAL;
    *out = (uint8_t)((unsigned int)mode | (unsigned int)flags >> POLICY_FLAGS_SHIFT |
                     (n->node0 ? POLICY_NODE0 : 0));
    return 0;
}

static int policy_argument(struct task *t, const struct sysargs *a, int first, uint8_t *out)
{
    struct nodes n;
    int mode = arg_i32(a, first);

    /* What is wrong with the mode comes before what is wrong with the mask. */
    const struct nodes some = {.node0 = true,
                               .any = (mode & ~MODE_FLAGS) != MPOL_DEFAULT &&
                                      (mode & ~MODE_FLAGS) != MPOL_LOCAL};
    int err = make_policy(mode, &some, out);
    if (err && (mode & ~MODE_FLAGS) != MPOL_LOCAL)
        return err;
    err = get_nodes(t, arg_u64(a, first + 1), arg_u64(a, first + 2), &n);
    return err ? err : make_policy(mode, &n, out);
}

long sys_set_mempolicy(struct task *t, const struct sysargs *a)
{
    uint8_t policy;
    int err = policy_argument(t, a, 0, &policy);

    if (!err)
        t->mempolicy = policy;
    return err;
}

static int mode_of(uint8_t policy)
{
    return (int)(policy & POLICY_MODE);
}

static uint8_t policy_of(const struct vma *v)
{
    return (uint8_t)(v->flags >> VM_POLICY_SHIFT);
}

/* As programs give and see it. */
static int mode_and_flags(uint8_t policy)
{
    return mode_of(policy) | ((policy << POLICY_FLAGS_SHIFT) & MODE_FLAGS);
}

static int answer_policy(struct task *t, const struct sysargs *a, int policy, bool node0)
{
    if (arg_u64(a, 0) && put_user(t, &policy, arg_u64(a, 0)))
        return -EFAULT;
    return arg_u64(a, 1) ? put_nodes(t, arg_u64(a, 1), arg_u64(a, 2), node0) : 0;
}

long sys_get_mempolicy(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 3), flags = arg_u64(a, 4);
    uint8_t policy = t->mempolicy;

    if (arg_u64(a, 1) && !arg_u64(a, 2))
        return -EINVAL;
    if (flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
        return -EINVAL;
    if (flags & MPOL_F_MEMS_ALLOWED)
        return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : answer_policy(t, a, 0, true);
    if (flags & MPOL_F_ADDR) {
        const struct vma *v = vma_find(t->mm, addr);
        if (!v || v->start > addr)
            return -EFAULT;
        policy = policy_of(v) ? policy_of(v) : policy;
    } else if (addr) {
        return -EINVAL;
    }
    if (!(flags & MPOL_F_NODE))
        return answer_policy(t, a, mode_and_flags(policy), policy & POLICY_NODE0);
    if (flags & MPOL_F_ADDR || mode_of(policy) == MPOL_INTERLEAVE ||
        mode_of(policy) == WEIGHTED_INTERLEAVE)
        return answer_policy(t, a, 0, policy & POLICY_NODE0); /* the node */
    return -EINVAL;
}

/* --- ranges --- */
/* 0: nothing to do, 1: *end is set, or a negative errno. */
static int range_argument(uint64_t start, uint64_t len, uint64_t *end)
{
    if (start % NV_PAGE_SIZE)
        return -EINVAL;
    *end = start + PAGE_UP(len);
    if (*end < start)
        return -EINVAL;
    return *end > start;
}

long sys_mbind(struct task *t, const struct sysargs *a)
{
    uint64_t start = arg_u64(a, 0), end;
    uint32_t flags = arg_u32(a, 5);
    uint8_t policy;

    int err = policy_argument(t, a, 2, &policy);
    if (err)
        return err;
    if (flags & ~(uint32_t)MPOL_MF_VALID)
        return -EINVAL;
    if (flags & MPOL_MF_MOVE_ALL && !cred_capable(t->cred, CAP_SYS_NICE))
        return -EPERM;
    int r = range_argument(start, arg_u64(a, 1), &end);
    if (r <= 0)
        return r;
    err = mm_lock(t->mm, t);
    if (err)
        return err;
    if (policy ? !vma_covered(t->mm->vmas, start, end) : vma_range_free(t->mm->vmas, start, end))
        err = -EFAULT;
    else
        err = mm_set_flags(t->mm, start, end, (uint32_t)policy << VM_POLICY_SHIFT, VM_POLICY);
    mm_unlock(t->mm);
    return err;
}

long sys_set_mempolicy_home_node(struct task *t, const struct sysargs *a)
{
    const struct vma_tree *set = t->mm->vmas;
    uint64_t start = arg_u64(a, 0), end;
    bool any = false;

    if (start % NV_PAGE_SIZE || arg_u64(a, 3) || arg_u64(a, 2))
        return -EINVAL;
    int r = range_argument(start, arg_u64(a, 1), &end);
    if (r <= 0)
        return r;
    for (int i = vma_index(set, start); i < set->n && set->v[i].start < end; i++) {
        uint8_t policy = policy_of(&set->v[i]);
        if (policy && mode_of(policy) != MPOL_BIND && mode_of(policy) != MPOL_PREFERRED_MANY)
            return -EOPNOTSUPP;
        any |= policy != 0;
    }
    return any ? 0 : -ENOENT;
}

/* --- pages --- */
/* Whose pages are asked about: 0 or a negative errno. */
static int target(struct task *t, pid_t pid, struct task **out)
{
    *out = pid ? task_find(pid) : t;
    if (!*out || (*out)->tg->zombie)
        return -ESRCH;
    return *out == t || task_may_access(t, *out) ? 0 : -EPERM;
}

static int node_of(const struct mm *mm, uint64_t addr)
{
    const struct vma *v = vma_find((struct mm *)(uintptr_t)mm, addr);

    return v && v->start <= addr ? 0 : -EFAULT;
}

/* Whose pages are asked about may end meanwhile. */
static int move_pages(struct task *t, const struct mm *mm, const struct sysargs *a)
{
    uint64_t n = arg_u64(a, 1), pages = arg_u64(a, 2), nodes = arg_u64(a, 3), to = arg_u64(a, 4);

    for (uint64_t i = 0; i < n; i++) {
        uint64_t addr;
        int node = 0;
        if (i % PAGES_A_TURN == PAGES_A_TURN - 1) {
            fiber_yield();
            if (task_fatal_pending(t) || sandbox_freezing)
                return -ERESTARTNOINTR;
        }
        if (get_user(t, &addr, pages + i * sizeof(addr)) ||
            (nodes && get_user(t, &node, nodes + i * sizeof(node))))
            return -EFAULT;
        if (node)
            return -ENODEV;
        int status = node_of(mm, addr);
        if (put_user(t, &status, to + i * sizeof(status)))
            return -EFAULT;
    }
    return 0;
}

long sys_move_pages(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 5);
    struct task *of;

    if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
        return -EINVAL;
    if (flags & MPOL_MF_MOVE_ALL && !cred_capable(t->cred, CAP_SYS_NICE))
        return -EPERM;
    int err = target(t, arg_i32(a, 0), &of);
    if (err)
        return err;
    if (!of->mm)
        return -EINVAL;
    struct mm *mm = mm_get(of->mm);
    err = move_pages(t, mm, a);
    mm_put(mm);
    return err;
}

long sys_migrate_pages(struct task *t, const struct sysargs *a)
{
    struct nodes from, to;
    struct task *of;

    int err = get_nodes(t, arg_u64(a, 2), arg_u64(a, 1), &from);
    if (!err)
        err = get_nodes(t, arg_u64(a, 3), arg_u64(a, 1), &to);
    if (!err)
        err = target(t, arg_i32(a, 0), &of);
    if (err)
        return err;
    return to.node0 ? 0 : -EINVAL;
}
