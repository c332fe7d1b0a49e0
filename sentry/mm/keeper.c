/*
 * Host threads of restored tasks. A restored address space begins with one thread that belongs to
 * nobody, the keeper: it makes the host calls that map memory, and threads are cloned from it when
 * their tasks first need them. The last task to come gets the keeper itself.
 */
#include <errno.h>

#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"

struct turn {
    struct list node;
    struct fiber *fiber;
    bool granted;
};

void keeper_lock(struct mm *mm)
{
    struct turn turn = {.fiber = fiber_current()};

    while (mm->keeper_busy && !turn.granted) {
        list_add_tail(&mm->keeper_turns, &turn.node);
        fiber_park();
        list_del(&turn.node);
    }
    mm->keeper_busy = true;
}

void keeper_unlock(struct mm *mm)
{
    if (list_empty(&mm->keeper_turns)) {
        mm->keeper_busy = false;
        return;
    }
    struct turn *next = list_first(&mm->keeper_turns, struct turn, node);
    next->granted = true; /* at once, or whoever comes back soon would always be first */
    fiber_wake(next->fiber);
}

static int tasks_without_thread(const struct mm *mm)
{
    struct thread_group *tg;
    struct task *t;
    int n = 0;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node)
            n += t->mm == mm && !t->thr;
    }
    return n;
}

int mm_thread_new(struct mm *mm, struct gthread **out)
{
    int err = 0;

    keeper_lock(mm);
    if (mm->spare) {
        *out = mm->spare;
        mm->spare = NULL;
    } else if (!mm->keeper) {
        err = -ESRCH;
    } else if (tasks_without_thread(mm) > 1) {
        err = platform->thread_new(mm->keeper, out);
    } else {
        *out = mm->keeper;
        mm->keeper = NULL;
    }
    keeper_unlock(mm);
    return err;
}

struct gthread *mm_parked_thread(struct mm *mm)
{
    struct thread_group *tg;
    struct task *t;

    if (mm->keeper && !mm->keeper_busy)
        return mm->keeper;
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (t->mm == mm && t->thr && t->frozen)
                return t->thr;
        }
    }
    return NULL;
}
