/*
 * Timers of the loop: a pairing heap that lives in the timers themselves, so that arming one never
 * fails. The children of a timer expire no earlier than it; `prev` leads to the elder sibling, or
 * to the parent.
 */
#include <stdbool.h>
#include <stddef.h>

#include "sentry/kernel/loop.h"

#define TIMER_BUDGET 64 /* of one turn: guests make thousands that are due at once */

static struct ktimer *root; /* its prev is itself */
static bool held;

void ktimers_hold(bool hold)
{
    held = hold;
}

struct ktimer *ktimers_first(void)
{
    return held ? NULL : root;
}

/* Neither has siblings; NULL: there is none. */
static struct ktimer *meld(struct ktimer *a, struct ktimer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->expires_ns < a->expires_ns) {
        struct ktimer *t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* Siblings by twos, then all from the last: what makes it log n in the long run. */
static struct ktimer *meld_siblings(struct ktimer *first)
{
    struct ktimer *pairs = NULL, *all = NULL;

    while (first) {
        struct ktimer *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a->next = NULL;
        if (b)
            b->next = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct ktimer *a = pairs;
        pairs = pairs->next;
        a->next = NULL;
        all = meld(all, a);
    }
    return all;
}

static void set_root(struct ktimer *t)
{
    root = t;
    if (t)
        t->prev = t;
}

void ktimer_init(struct ktimer *t, void (*cb)(struct ktimer *t))
{
    *t = (struct ktimer){.cb = cb};
}

void ktimer_arm(struct ktimer *t, uint64_t expires_ns)
{
    ktimer_cancel(t);
    t->expires_ns = expires_ns;
    set_root(meld(root, t));
}

void ktimer_cancel(struct ktimer *t)
{
    if (!ktimer_armed(t))
        return;
    struct ktimer *below = meld_siblings(t->child);
    if (t == root) {
        set_root(below);
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        set_root(meld(root, below));
    }
    t->child = t->next = t->prev = NULL;
}

void ktimers_run(uint64_t now)
{
    for (int i = 0; i < TIMER_BUDGET && ktimers_first() && root->expires_ns <= now; i++) {
        struct ktimer *t = root;
        ktimer_cancel(t);
        t->cb(t);
    }
}
