/*
 * Guest address spaces. The VMA tree is the truth for /proc/self/maps, permissions, accounting and
 * checkpoints; pages belong to the host kernel and are changed by host calls in the stub.
 */
#ifndef NV_SENTRY_MM_MM_H
#define NV_SENTRY_MM_MM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "sentry/kernel/futex.h"
#include "sentry/kernel/waitq.h"

struct aio_table;
struct aspace;
struct cred;
struct file;
struct gthread;
struct inode;
struct task;

#define VM_READ 1u
#define VM_WRITE 2u
#define VM_EXEC 4u
#define VM_SHARED 8u
#define VM_GROWSDOWN 16u
#define VM_LOCKED 32u
#define VM_DONTFORK 64u
#define VM_WIPEONFORK 128u
#define VM_NORESERVE 256u
#define VM_STACK 512u
#define VM_HEAP 1024u
#define CORE_FILTER_DEFAULT 0x33u
#define CORE_FILTER_BITS 0x1ffu
#define VM_SEALED 4096u    /* mseal(2) */
#define VM_POLICY_SHIFT 24 /* mempolicy.c */
#define VM_POLICY (0xffu << VM_POLICY_SHIFT)
#define VM_DONTDUMP 8192u
#define VM_DROPPABLE 16384u /* MAP_DROPPABLE */
#define VM_GUARDS 32768u    /* somewhere in it are pages of MADV_GUARD_INSTALL */
#define VM_MAYWRITE 2048u   /* shared mapping of a writable file: mprotect may add write */

struct vma {
    uint64_t start, end;
    uint32_t flags;
    struct file *file; /* owned reference, NULL for anonymous */
    uint64_t pgoff;    /* bytes; offset in file of start */
    const char *name;  /* "[stack]", "[heap]", "[vdso]": static string or NULL */
};

#define MM_MDWE 1u /* PR_SET_MDWE, and its bit that children do without: */
#define MM_MDWE_NO_INHERIT 2u
#define MM_THP_DISABLE 4u /* PR_SET_THP_DISABLE */
#define MM_THP_EXCEPT_ADVISED 8u
#define MM_MERGE_ANY 16u /* PR_SET_MEMORY_MERGE: advice that is not taken */
#define MM_TRAITS 31u

/* Thunks of patched call sites: thunks.c. */
#define THUNK_AREAS 8
struct thunks {
    struct {
        uint64_t addr;
        unsigned int used;
    } area[THUNK_AREAS];
    struct site_counts *counts; /* owned, NULL: none yet */
};

struct mm {
    unsigned int refs; /* tasks sharing it */
    struct aspace *as;
    struct vma_tree *vmas;
    uint64_t mmap_base, brk_start, brk, stack_top;
    uint64_t arg_start, arg_end, env_start, env_end;
    uint64_t auxv[48];
    int auxv_len;      /* in words */
    uint64_t total_vm; /* bytes mapped */
    uint64_t data_vm;  /* private writable bytes */
    uint64_t locked_vm;
    uint64_t vdso; /* address or 0 */
    uint64_t start_code, end_code, start_stack;
    uint32_t core_filter; /* /proc/PID/coredump_filter: sentry/core */
    struct thunks thunks;
    /* Restored from an image: restore.c, keeper.c. */
    struct gthread *keeper; /* a parked thread of no task, of which others are made; may be NULL */
    struct gthread *spare;  /* one made ahead, for the first task that asks; may be NULL */
    bool keeper_busy;
    struct list keeper_turns;
    struct aio_table *aio;    /* owned; NULL: none yet */
    struct mm_image *image;   /* owned: what mm_restore() is to map; NULL: nothing any more */
    struct image_map *mapped; /* owned: what the host maps of the image's pages; NULL: nothing */
    uint16_t image_id;        /* by which the working set names it */
    struct mm_usage {
        uint64_t resident, shared, peak; /* bytes, as the host told at asked_ns: usage.h */
        uint64_t asked_ns, asked_vm;     /* asked_vm: what was mapped then */
    } usage;
    /* registrations; those the host has of it: kernel/rseq.c */
    uint32_t membarrier, membarrier_told;
    uint8_t traits;      /* MM_: settings of prctl(2) */
    uint8_t lock_future; /* mlockall(2): MCL_FUTURE, MCL_ONFAULT */
    bool asks;           /* mm_watch() was called */
    bool bare;           /* and its code is to stay as it is */
    bool locked;         /* a change is under way: mm_internal.h */
    struct waitq lock_wq;
};

struct mm *mm_new(struct aspace *as); /* takes over the reference on as */
struct mm *mm_get(struct mm *mm);
/* Which of the settings of from a new address space starts with. */
uint8_t mm_traits_inherited(const struct mm *from);
/* The host, too, is to kill its processes in this order when the sandbox is out of memory. */
void mm_tell_oom_score(const struct mm *mm, int value);
void mm_put(struct mm *mm);
/* Restored address spaces: the host's part, and a thread in it for a task. Both block. */
int mm_restore(struct mm *mm);
int mm_thread_new(struct mm *mm, struct gthread **out);
/* The VMA tree of a forked address space (host memory is already copied). Honours DONTFORK. */
int mm_fork(struct task *parent, struct mm **child, struct aspace *as, struct gthread *thr);

/* addr inside, or the next one above; NULL. */
struct vma *vma_find(struct mm *mm, uint64_t addr);
struct vma *vma_first(struct mm *mm);
struct vma *vma_next(struct mm *mm, struct vma *v);
/* Is all of [addr, addr+len) mapped with these VM_ rights? */
bool mm_access_ok(struct mm *mm, uint64_t addr, uint64_t len, uint32_t rights);

/*
 * What mmap(2) does after argument decoding; fd-less callers (exec) pass a file or NULL. thr is the
 * parked thread that runs the host calls. Returns the address or negative errno. Blocks.
 */
struct mmap_request {
    uint64_t addr, len, pgoff_bytes;
    int prot, flags; /* PROT_, MAP_ */
    struct file *file;
    const char *name;
    uint32_t vm_flags;      /* extra VM_ flags */
    struct mm_batch *batch; /* NULL: now; else with its flush, while nobody runs there yet */
};
int64_t mm_mmap(struct mm *mm, struct gthread *thr, const struct mmap_request *r, struct task *t);
int mm_munmap(struct mm *mm, struct gthread *thr, uint64_t addr, uint64_t len);
/*
 * For tasks whose every call somebody wants to see: the memory's futexes are the sentry's from now
 * on; bare: nor does its code have patches any more. t is parked in an event. Blocks.
 */
int mm_watch(struct task *t, bool bare);
int mm_mprotect(struct mm *mm, struct gthread *thr, uint64_t addr, uint64_t len, int prot);
/* A fault at addr that stack growth can repair: true if it did and the guest may retry. */
bool mm_grow_stack(struct task *t, uint64_t addr);
int mm_futex_key(struct task *t, uint64_t addr, bool private_, struct futex_key *key);

/* The syscall that t is about to return from came through a trap: maybe its site gets a thunk. */
void mm_site_trapped(struct task *t);
/* How many sites got one; why others did not, from 0 until NULL. */
unsigned long mm_sites_patched(void);
const char *mm_sites_refused(int i, unsigned long *count);

/*
 * exec: loads file (already opened, permission checked) with argv/envp into a fresh address space
 * and switches t to it. The point of no return is inside; later failures kill the task.
 */
struct exec_params {
    struct file *file;
    const char *path;    /* as given, for AT_EXECFN and comm */
    char **argv, **envp; /* NULL-terminated, owned by the caller */
    int argc, envc;
    const struct cred *cred; /* after the exec: AT_UID..., for set-id programs */
    bool secure;             /* AT_SECURE */
    /* Called when nothing in the file can be wrong any more: ends other threads, resets signals. */
    int (*commit)(struct task *t);
};
int exec_load(struct task *t, struct exec_params *p);

#endif
