/* See user_counts.h. A user without any is not kept. */
#include "sentry/kernel/user_counts.h"

#include <stdlib.h>

#include "base/list.h"

#define BUCKETS 16

struct user_counts {
    struct list node;
    uid_t uid;
    uint64_t n[USER_COUNTS];
};

static struct list users[BUCKETS];

static struct user_counts *find_user(uid_t uid)
{
    struct list *bucket = &users[uid % BUCKETS];
    struct user_counts *u;

    if (!bucket->next)
        list_init(bucket);
    list_for_each(u, bucket, node) {
        if (u->uid == uid)
            return u;
    }
    return NULL;
}

struct user_counts *user_charge(uid_t uid, enum user_count what, uint64_t n, uint64_t limit)
{
    struct user_counts *u = find_user(uid);
    uint64_t had = u ? u->n[what] : 0;

    if (n > limit || had > limit - n)
        return NULL;
    if (!u) {
        u = calloc(1, sizeof(*u));
        if (!u)
            return NULL;
        u->uid = uid;
        list_add_tail(&users[uid % BUCKETS], &u->node);
    }
    u->n[what] += n;
    return u;
}

void user_uncharge(struct user_counts *u, enum user_count what, uint64_t n)
{
    if (!u)
        return;
    u->n[what] -= n;
    for (int i = 0; i < USER_COUNTS; i++)
        if (u->n[i])
            return;
    list_del(&u->node);
    free(u);
}

uint64_t user_count_of(const struct user_counts *u, enum user_count what)
{
    return u->n[what];
}

uid_t user_counts_uid(const struct user_counts *u)
{
    return u->uid;
}
