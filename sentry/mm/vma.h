/* The VMA set of one mm: a sorted array. Pointers into it are good until the next change. */
#ifndef NV_SENTRY_MM_VMA_H
#define NV_SENTRY_MM_VMA_H

#include "sentry/mm/mm.h"

#define VMA_MAX 65530

struct vma_tree {
    struct vma *v;
    int n, cap;
};

/* Index of the VMA that holds addr, or of the next one above (n: none). */
int vma_index(const struct vma_tree *tree, uint64_t addr);
/* Room for extra more entries: -ENOMEM (also over VMA_MAX). Makes the changes below infallible. */
int vma_reserve(struct vma_tree *tree, int extra);
/* Cuts [start, end) out of the set, splitting at the ends. Needs 1 reserved entry. */
void vma_remove(struct vma_tree *tree, uint64_t start, uint64_t end);
/* Inserts into free space, merging with neighbours; takes over v->file. Needs 1 reserved entry. */
void vma_insert(struct vma_tree *tree, const struct vma *v);
/* Makes start and end borders of VMAs. Needs 2 reserved entries. */
void vma_split_at(struct vma_tree *tree, uint64_t addr);
/* Merges compatible neighbours around [start, end). */
void vma_merge_range(struct vma_tree *tree, uint64_t start, uint64_t end);
/* The highest free range of len bytes in [low, high), or 0. */
uint64_t vma_find_gap(const struct vma_tree *tree, uint64_t low, uint64_t high, uint64_t len);
bool vma_range_free(const struct vma_tree *tree, uint64_t start, uint64_t end);
/* No hole in [start, end)? */
bool vma_covered(const struct vma_tree *tree, uint64_t start, uint64_t end);
/* v is one more area over its file, if it has one. */
void vma_file_get(const struct vma *v);
void vma_clear(struct vma_tree *tree);

#endif
