/* Shared by the files of sentry/mm. */
#ifndef NV_SENTRY_MM_MM_INTERNAL_H
#define NV_SENTRY_MM_MM_INTERNAL_H

#include "ckpt/record.h"
#include "platform/platform.h"
#include "sentry/mm/vma.h"

/*
 * Changes of one address space exclude each other, because each parks in host calls. The VMA set is
 * changed after the host call has succeeded, under the lock. -EINTR: killed while waiting.
 */
int mm_lock(struct mm *mm, struct task *t);
void mm_unlock(struct mm *mm);
/* One host memory call; fd -1 for none. Value or negative errno. */
int64_t mm_host(struct gthread *thr, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                int fd, uint64_t a5);
/* Mappings of an address space that nobody runs in yet: collected, then made in one handoff. */
#define MM_BATCH_MAX 32
struct mm_batch {
    unsigned int n;
    struct platform_hostcall calls[MM_BATCH_MAX];
};
int mm_batch_flush(struct mm_batch *b, struct gthread *thr);
/* The call is made now or with a later flush, which tells if it fails. Descriptors stay open. */
int mm_batch_add(struct mm_batch *b, struct gthread *thr, const struct platform_hostcall *call);
/* Sums of sizes for limits and /proc; sign +1 or -1. */
void mm_account(struct mm *mm, const struct vma *v, int sign);
/* Of [start, end), which borders of areas need not be. Locked. 0 or -ENOMEM. */
int mm_set_flags(struct mm *mm, uint64_t start, uint64_t end, uint32_t set, uint32_t clear);
/* May [start, end) be unmapped, moved or protected otherwise? 0, or -EPERM: mseal(2). */
int mm_may_change(const struct mm *mm, uint64_t start, uint64_t end);
/* Takes [start, end) out of the books and the VMA set. One entry must be reserved. */
void mm_forget(struct mm *mm, uint64_t start, uint64_t end);
/* mlock.c: may len more bytes be locked? 0, -EPERM, or full where the limit is reached. */
int mm_may_lock(struct task *t, uint64_t len, int full);
/* Newer advice than the headers' may be: include/uapi/asm-generic/mman-common.h. */
#define MADV_DONTNEED_LOCKED_K 24
#define MADV_COLLAPSE_K 25
#define MADV_GUARD_INSTALL_K 102
#define MADV_GUARD_REMOVE_K 103
#define MAP_DROPPABLE_K 8
/* Would used + more exceed the soft limit? */
bool mm_over_limit(struct task *t, int resource, uint64_t used, uint64_t more);
/* Mappings of code are gone from [start, end). */
void thunks_forget(struct mm *mm, uint64_t start, uint64_t end);
/* The protection of code in [start, end) is about to change: it becomes what it was. Blocks. */
int thunks_restore(struct mm *mm, struct gthread *thr, uint64_t start, uint64_t end);
void thunks_free(struct mm *mm);
/* A thread of mm that is parked and can make host calls now; NULL: none. */
struct gthread *mm_parked_thread(struct mm *mm);
/* What is to be mapped of an area: ckpt.c fills it from a record, restore.c maps it. */
struct mm_segment {
    uint64_t start, npages, offset; /* in the image's file, in bytes */
};
struct mm_guards { /* in the order of addresses */
    struct mm_guard {
        uint64_t start, npages;
    } * v; /* owned */
    uint32_t n, cap;
};
struct mm_image {
    struct mm_segment *seg; /* in the order of addresses, each within one private area */
    uint32_t n;
    int fd; /* of the file that the pages are in; not owned */
    struct mm_guards guards;
};
/* guards.c. Asks the host which pages of mm are guards: -EOPNOTSUPP if it cannot tell. */
bool mm_has_guards(const struct mm *mm); /* or had */
int guards_find(const struct mm *mm, int pagemap, struct mm_guards *g);
const struct mm_guard *guards_after(const struct mm_guards *g, uint64_t addr); /* or at; NULL */
void guards_save(struct ckpt_writer *w, const struct mm_guards *g);
void guards_load(struct ckpt_reader *r, struct mm *mm);
int guards_restore(struct mm *mm); /* blocks */
static inline uint64_t guard_end(const struct mm_guard *g)
{
    return g->start + g->npages * NV_PAGE_SIZE;
}
void mm_image_free(struct mm *mm);
/* The name of an area by the number that it has in images; NULL: none. */
const char *mm_area_name(unsigned int number);
/*
 * image_map.c: private areas some of whose pages the host maps from an image. To it these are pages
 * of another file, so that giving them back, moving and growing them need care. The map may claim
 * too much, never too little.
 */
int image_map_add(struct mm *mm, uint64_t start, uint64_t end);
void image_map_cut(struct mm *mm, uint64_t start, uint64_t end);
bool image_map_meets(const struct mm *mm, uint64_t start, uint64_t end);
/* Where the piece at at ends: pieces are of the image, or have nothing of it. */
uint64_t image_map_piece(const struct mm *mm, uint64_t at, uint64_t end);
int image_map_copy(const struct mm *from, struct mm *to);
void image_map_free(struct mm *mm);
/* Makes [start, end) of v what it was without own pages: zeros, or the file's. */
int image_map_discard(struct mm *mm, struct gthread *thr, const struct vma *v, uint64_t start,
                      uint64_t end);
/* Moves [from, from+len) of an area as mremap(2) does; then the map is to be shifted. */
int image_map_move(struct mm *mm, struct gthread *thr, uint64_t from, uint64_t len, uint64_t to);
void image_map_shift(struct mm *mm, uint64_t from, uint64_t len, uint64_t to);
/* The host call that maps an area (or a part of it that v describes) without own pages. */
int area_map_call(const struct vma *v, struct platform_hostcall *call);
int area_map(struct gthread *thr, const struct vma *v);
/* keeper.c: while host calls are made with the keeper. Blocks. */
void keeper_lock(struct mm *mm);
void keeper_unlock(struct mm *mm);
int prot_to_host(uint32_t vm_flags);
uint32_t prot_to_vm(int prot);

#endif
