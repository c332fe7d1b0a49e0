/* See vma.h. */
#include "sentry/mm/vma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/vfs/file.h"

int vma_index(const struct vma_tree *tree, uint64_t addr)
{
    int lo = 0, hi = tree->n;

    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (tree->v[mid].end <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int vma_reserve(struct vma_tree *tree, int extra)
{
    if (tree->n + extra > VMA_MAX)
        return -ENOMEM;
    if (tree->n + extra <= tree->cap)
        return 0;
    int cap = MAX(tree->cap * 2, tree->n + extra + 16);
    struct vma *v = realloc(tree->v, (size_t)cap * sizeof(*v));
    if (!v)
        return -ENOMEM;
    tree->v = v;
    tree->cap = cap;
    return 0;
}

static void put_file(struct vma *v)
{
    if (v->file) {
        if (v->file->ops->area_gone)
            v->file->ops->area_gone(v->file);
        file_put(v->file);
    }
    v->file = NULL;
}

void vma_file_get(const struct vma *v)
{
    if (!v->file)
        return;
    file_get(v->file);
    if (v->file->ops->area_made)
        v->file->ops->area_made(v->file);
}

static void open_slot(struct vma_tree *tree, int i)
{
    memmove(tree->v + i + 1, tree->v + i, (size_t)(tree->n - i) * sizeof(*tree->v));
    tree->n++;
}

static void close_slots(struct vma_tree *tree, int i, int n)
{
    memmove(tree->v + i, tree->v + i + n, (size_t)(tree->n - i - n) * sizeof(*tree->v));
    tree->n -= n;
}

void vma_split_at(struct vma_tree *tree, uint64_t addr)
{
    int i = vma_index(tree, addr);

    if (i == tree->n || tree->v[i].start >= addr)
        return;
    open_slot(tree, i);
    struct vma *low = &tree->v[i], *high = &tree->v[i + 1];
    low->end = addr;
    vma_file_get(high);
    if (high->file)
        high->pgoff += addr - high->start;
    high->start = addr;
}

void vma_remove(struct vma_tree *tree, uint64_t start, uint64_t end)
{
    vma_split_at(tree, start);
    vma_split_at(tree, end);
    int i = vma_index(tree, start), j = i;
    for (; j < tree->n && tree->v[j].end <= end; j++)
        put_file(&tree->v[j]);
    close_slots(tree, i, j - i);
}

/* Is what backs the file another host file from here on? */
static bool is_border(const struct vma *v)
{
    return v->pgoff && v->file->ops->map_end &&
           v->file->ops->map_end(v->file, v->pgoff - 1) == v->pgoff;
}

static bool mergeable(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->flags == b->flags && a->file == b->file && a->name == b->name &&
           (!a->file || (a->pgoff + (a->end - a->start) == b->pgoff && !is_border(b)));
}

void vma_merge_range(struct vma_tree *tree, uint64_t start, uint64_t end)
{
    int i = vma_index(tree, start);

    i = i > 0 ? i - 1 : 0;
    while (i + 1 < tree->n && tree->v[i].start <= end) {
        if (!mergeable(&tree->v[i], &tree->v[i + 1])) {
            i++;
            continue;
        }
        tree->v[i].end = tree->v[i + 1].end;
        put_file(&tree->v[i + 1]);
        close_slots(tree, i + 1, 1);
    }
}

void vma_insert(struct vma_tree *tree, const struct vma *v)
{
    int i = vma_index(tree, v->start);

    open_slot(tree, i);
    tree->v[i] = *v;
    vma_merge_range(tree, v->start, v->end);
}

uint64_t vma_find_gap(const struct vma_tree *tree, uint64_t low, uint64_t high, uint64_t len)
{
    int i = vma_index(tree, high - 1);

    if (i < tree->n && tree->v[i].start < high)
        high = tree->v[i].start;
    for (i--; high >= low + len; i--) {
        uint64_t below = i >= 0 ? tree->v[i].end : 0;
        if (below <= high - len)
            return high - len;
        high = tree->v[i].start;
    }
    return 0;
}

bool vma_range_free(const struct vma_tree *tree, uint64_t start, uint64_t end)
{
    int i = vma_index(tree, start);

    return i == tree->n || tree->v[i].start >= end;
}

bool vma_covered(const struct vma_tree *tree, uint64_t start, uint64_t end)
{
    for (int i = vma_index(tree, start); start < end; i++) {
        if (i == tree->n || tree->v[i].start > start)
            return false;
        start = tree->v[i].end;
    }
    return true;
}

void vma_clear(struct vma_tree *tree)
{
    for (int i = 0; i < tree->n; i++)
        put_file(&tree->v[i]);
    free(tree->v);
    *tree = (struct vma_tree){0};
}
