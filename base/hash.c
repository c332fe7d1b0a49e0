/* See hash.h. */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define BITS_MAX 24
#define FULL 2 /* nodes a bucket */

static uint32_t buckets(const struct hash *h)
{
    return h->more ? 1U << h->bits : HASH_FIRST;
}

static struct hash_node **bucket(const struct hash *h, uint32_t hash)
{
    struct hash_node *const *b = h->more ? h->more : h->first;

    /* Not all callers' low bits are as good as their high ones. */
    return (struct hash_node **)(uintptr_t)&b[(hash ^ hash >> 16) & (buckets(h) - 1)];
}

/* Without memory the chains get longer. */
static void grow(struct hash *h)
{
    struct hash old = *h;
    uint32_t bits = h->more ? h->bits + 2 : 8;
    struct hash_node **more =
        bits > BITS_MAX ? NULL : (struct hash_node **)calloc(1UL << bits, sizeof(*more));

    if (!more)
        return;
    h->more = more;
    h->bits = bits;
    for (uint32_t i = 0; i < buckets(&old); i++) {
        struct hash_node *next, *n = old.more ? old.more[i] : old.first[i];
        for (; n; n = next) {
            next = n->next;
            struct hash_node **b = bucket(h, n->hash);
            n->next = *b;
            *b = n;
        }
    }
    free((void *)old.more);
}

void hash_add(struct hash *h, struct hash_node *n, uint32_t hash)
{
    if (++h->n > buckets(h) * FULL)
        grow(h);
    struct hash_node **b = bucket(h, hash);
    n->hash = hash;
    n->next = *b;
    *b = n;
}

void hash_del(struct hash *h, struct hash_node *n)
{
    struct hash_node **p = bucket(h, n->hash);

    while (*p && *p != n)
        p = &(*p)->next;
    if (!*p)
        return;
    *p = n->next;
    h->n--;
}

struct hash_node *hash_find(const struct hash *h, uint32_t hash)
{
    struct hash_node *n = *bucket(h, hash);

    while (n && n->hash != hash)
        n = n->next;
    return n;
}

struct hash_node *hash_again(const struct hash_node *n)
{
    uint32_t hash = n->hash;

    do
        n = n->next;
    while (n && n->hash != hash);
    return (struct hash_node *)(uintptr_t)n;
}

void hash_free(struct hash *h)
{
    free((void *)h->more);
    memset(h, 0, sizeof(*h));
}
