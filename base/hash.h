/*
 * Intrusive hash tables that begin small and grow with what is in them. All zeros is an empty one.
 * Whoever looks compares the keys: hash_find() walks the nodes of one hash.
 */
#ifndef NV_BASE_HASH_H
#define NV_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define HASH_FIRST 32 /* buckets of a new table, a power of two */

struct hash_node {
    struct hash_node *next;
    uint32_t hash;
};

struct hash {
    struct hash_node **more; /* NULL: the first ones do */
    uint32_t bits, n;        /* of more; nodes */
    struct hash_node *first[HASH_FIRST];
};

void hash_add(struct hash *h, struct hash_node *n, uint32_t hash);
/* Does nothing if n is not there. */
void hash_del(struct hash *h, struct hash_node *n);
/* The first node with that hash, and the next after n; NULL: there is none. */
struct hash_node *hash_find(const struct hash *h, uint32_t hash);
struct hash_node *hash_again(const struct hash_node *n);
/* The table's own memory; it is empty afterwards. */
void hash_free(struct hash *h);

#define hash_for_each(pos, h, value, member)                                                       \
    for (struct hash_node *hash_at = hash_find(h, value);                                          \
         hash_at && ((pos) = container_of(hash_at, __typeof__(*(pos)), member), true);             \
         hash_at = hash_again(hash_at))

#endif
