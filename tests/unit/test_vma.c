/* The VMA array against a model with one word a page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/mm/vma.h"
#include "tests/unit/unit.h"

#define PAGES 256
#define BASE 0x100000UL
#define AT(page) (BASE + (uint64_t)(page)*NV_PAGE_SIZE)

static uint32_t model[PAGES]; /* flags, 0: free */

static void add(struct vma_tree *tree, int page, int n, uint32_t flags)
{
    struct vma v = {.start = AT(page), .end = AT(page + n), .flags = flags};

    ck_assert_int_eq(vma_reserve(tree, 4), 0);
    vma_remove(tree, v.start, v.end);
    vma_insert(tree, &v);
    for (int i = page; i < page + n; i++)
        model[i] = flags;
}

static void cut(struct vma_tree *tree, int page, int n)
{
    ck_assert_int_eq(vma_reserve(tree, 4), 0);
    vma_remove(tree, AT(page), AT(page + n));
    memset(model + page, 0, (size_t)n * sizeof(*model));
}

static void protect(struct vma_tree *tree, int page, int n, uint32_t flags)
{
    ck_assert_int_eq(vma_reserve(tree, 4), 0);
    vma_split_at(tree, AT(page));
    vma_split_at(tree, AT(page + n));
    for (int i = vma_index(tree, AT(page)); i < tree->n && tree->v[i].start < AT(page + n); i++)
        tree->v[i].flags = flags;
    vma_merge_range(tree, AT(page), AT(page + n));
    for (int i = page; i < page + n; i++)
        model[i] = model[i] ? flags : 0;
}

/* Check takes a note of each of its assertions, which is slow for so many. */
#define ENSURE(cond)                                                                               \
    do {                                                                                           \
        if (!(cond))                                                                               \
            ck_abort_msg("%s", #cond);                                                             \
    } while (0)

static void compare(const struct vma_tree *tree)
{
    int page = 0;

    for (int i = 0; i < tree->n; i++) {
        const struct vma *v = &tree->v[i];
        ENSURE(v->start < v->end);
        ENSURE(i == 0 || tree->v[i - 1].end <= v->start);
        /* Neighbours that could be one are one. */
        ENSURE(i == 0 || tree->v[i - 1].end < v->start || tree->v[i - 1].flags != v->flags);
        for (; AT(page) < v->start; page++)
            ENSURE(model[page] == 0);
        for (; AT(page) < v->end; page++)
            ENSURE(model[page] == v->flags);
    }
    for (; page < PAGES; page++)
        ENSURE(model[page] == 0);
}

static void compare_queries(const struct vma_tree *tree, int page, int n)
{
    bool any = false, all = true;
    uint64_t gap = 0;

    for (int i = page; i < page + n; i++) {
        any |= model[i] != 0;
        all &= model[i] != 0;
    }
    ENSURE(vma_range_free(tree, AT(page), AT(page + n)) == !any);
    ENSURE(vma_covered(tree, AT(page), AT(page + n)) == all);
    for (int from = PAGES - n; from >= 0 && !gap; from--) {
        int i = 0;
        while (i < n && !model[from + i])
            i++;
        if (i == n)
            gap = AT(from);
    }
    ENSURE(vma_find_gap(tree, BASE, AT(PAGES), (uint64_t)n * NV_PAGE_SIZE) == gap);
}

START_TEST(random_operations)
{
    struct vma_tree tree = {0};

    memset(model, 0, sizeof(model));
    srandom(42);
    for (int round = 0; round < 20000; round++) {
        int n = 1 + (int)random() % (random() % 4 ? 8 : 60);
        int page = (int)random() % (PAGES - n + 1);
        switch (random() % 4) {
        case 0:
            cut(&tree, page, n);
            break;
        case 1:
            protect(&tree, page, n, 1 + (uint32_t)random() % 3);
            break;
        default:
            add(&tree, page, n, 1 + (uint32_t)random() % 3);
        }
        compare(&tree);
        compare_queries(&tree, page, n);
    }
    vma_clear(&tree);
    ck_assert_int_eq(tree.n, 0);
}
END_TEST

START_TEST(borders)
{
    struct vma_tree tree = {0};

    memset(model, 0, sizeof(model));
    ck_assert_int_eq(vma_index(&tree, 0), 0);
    ck_assert(vma_range_free(&tree, 0, ~0UL));
    ck_assert(!vma_covered(&tree, AT(1), AT(2)));
    ck_assert_uint_eq(vma_find_gap(&tree, BASE, BASE + 4096, 8192), 0);
    add(&tree, 10, 10, 1);
    vma_split_at(&tree, AT(10)); /* at a border: nothing */
    vma_split_at(&tree, AT(20));
    ck_assert_int_eq(tree.n, 1);
    vma_split_at(&tree, AT(15));
    ck_assert_int_eq(tree.n, 2);
    vma_merge_range(&tree, AT(15), AT(15));
    ck_assert_int_eq(tree.n, 1);
    cut(&tree, 12, 2);
    ck_assert_int_eq(tree.n, 2);
    ck_assert_int_eq(vma_index(&tree, AT(12)), 1);
    cut(&tree, 0, PAGES);
    ck_assert_int_eq(tree.n, 0);
    ck_assert_int_eq(vma_reserve(&tree, VMA_MAX + 1), -ENOMEM);
    vma_clear(&tree);
}
END_TEST

UNIT_MAIN("vma", NULL, NULL, random_operations, borders)
