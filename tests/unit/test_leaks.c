/* The leak check of builds with SAN=1: what it finds lost, and what it must not. */
#include "base/leaks.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#if NV_ASAN
struct node {
    struct node *next;
    char more[40];
};
static struct node *kept;
static uintptr_t tagged;

/* LeakSanitizer is of the same opinion. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void);
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static __attribute__((noinline)) struct node *make(struct node *next)
{
    struct node *n = calloc(1, sizeof(*n));

    ck_assert_ptr_nonnull(n);
    n->next = next;
    return n;
}

/* Writes over what calls have left on the stack. */
static __attribute__((noinline)) void forget(void)
{
    volatile char room[4096];

    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 0;
}

static __attribute__((noinline)) bool found_after(void (*fn)(void))
{
    int null = open("/dev/null", O_WRONLY), err = dup(2);

    leaks_begin(__builtin_frame_address(0));
    fn();
    forget();
    dup2(null, 2);
    bool found = leaks_found();
    dup2(err, 2);
    return found;
}

static __attribute__((noinline)) void keep_a_list(void)
{
    for (int i = 0; i < 100000; i++)
        kept = make(kept);
}
static __attribute__((noinline)) void keep_inside(void)
{
    tagged = (uintptr_t)make(NULL) | 1;
}
static __attribute__((noinline)) void keep_and_free(void)
{
    keep_a_list();
    for (struct node *n = kept, *next; n; n = next) {
        next = n->next;
        free(n);
    }
    kept = NULL;
}
static __attribute__((noinline)) void lose_one(void)
{
    keep_a_list();
    make(kept);
}
static __attribute__((noinline)) void lose_a_tail(void)
{
    keep_a_list();
    kept->next = NULL;
}
static __attribute__((noinline)) void lose_a_cycle(void)
{
    for (int i = 0; i < 8; i++) { /* the last may be found in what calls have left behind */
        struct node *a = make(NULL);
        a->next = make(a);
    }
}

START_TEST(a_list_is_kept)
{
    ck_assert(!found_after(keep_a_list));
}
END_TEST

START_TEST(a_pointer_into_it_keeps)
{
    ck_assert(!found_after(keep_inside));
}
END_TEST

START_TEST(what_was_freed_is_not_lost)
{
    ck_assert(!found_after(keep_and_free));
}
END_TEST

START_TEST(one_is_lost)
{
    ck_assert(found_after(lose_one));
}
END_TEST

START_TEST(a_tail_is_lost)
{
    ck_assert(found_after(lose_a_tail));
}
END_TEST

START_TEST(a_cycle_is_lost)
{
    ck_assert(found_after(lose_a_cycle));
}
END_TEST

UNIT_MAIN("leaks", NULL, NULL, a_list_is_kept, a_pointer_into_it_keeps, what_was_freed_is_not_lost,
          one_is_lost, a_tail_is_lost, a_cycle_is_lost)
#else
START_TEST(other_builds_find_nothing)
{
    leaks_begin(NULL);
    ck_assert(!leaks_found());
}
END_TEST

UNIT_MAIN("leaks", NULL, NULL, other_builds_find_nothing)
#endif
