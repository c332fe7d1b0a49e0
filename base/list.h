/* Intrusive circular doubly linked list. An unlinked node points at itself. */
#ifndef NV_BASE_LIST_H
#define NV_BASE_LIST_H

#include <stdbool.h>
#include "base/macros.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

/* Links are never NULL; the analyzer of clang cannot know. */
#ifdef __clang_analyzer__
#define list_assume(x)                                                                             \
    do {                                                                                           \
        if (!(x))                                                                                  \
            __builtin_unreachable();                                                               \
    } while (0)
#else
#define list_assume(x) ((void)0)
#endif

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_between(struct list *n, struct list *prev, struct list *next)
{
    list_assume(prev && next);
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
}

static inline void list_add(struct list *head, struct list *n)
{
    list_insert_between(n, head, head->next);
}

static inline void list_add_tail(struct list *head, struct list *n)
{
    list_insert_between(n, head->prev, head);
}

/* Safe on an unlinked (self-pointing) node; the node is left unlinked. */
static inline void list_del(struct list *n)
{
    list_assume(n->prev && n->next);
    n->next->prev = n->prev;
    n->prev->next = n->next;
    list_init(n);
}

/* Moves all nodes of src to the tail of dst; src is left empty. */
static inline void list_splice_tail(struct list *dst, struct list *src)
{
    if (list_empty(src))
        return;
    src->next->prev = dst->prev;
    dst->prev->next = src->next;
    src->prev->next = dst;
    dst->prev = src->prev;
    list_init(src);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member) list_entry((head)->prev, type, member)
#define list_first_or_null(head, type, member)                                                     \
    (list_empty(head) ? NULL : list_first(head, type, member))

#define list_for_each(pos, head, member)                                                           \
    for ((pos) = list_entry((head)->next, __typeof__(*(pos)), member); &(pos)->member != (head);   \
         (pos) = list_entry((pos)->member.next, __typeof__(*(pos)), member))

#define list_for_each_safe(pos, tmp, head, member)                                                 \
    for ((pos) = list_entry((head)->next, __typeof__(*(pos)), member),                             \
        (tmp) = list_entry((pos)->member.next, __typeof__(*(pos)), member);                        \
         &(pos)->member != (head);                                                                 \
         (pos) = (tmp), (tmp) = list_entry((pos)->member.next, __typeof__(*(pos)), member))

#endif
