/* Freezing and thawing; see freeze.h. */
#include "sentry/kernel/freeze.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"

#define SETTLED_LOOKS 10 /* in a row, a millisecond apart */

bool sandbox_freezing;

static struct fiber *freezer; /* waits for all to stop */

void freeze_progress(void)
{
    if (freezer)
        fiber_wake(freezer);
}

void task_freeze(struct task *t)
{
    /* What a call has answered is in the guest's memory before that is saved. */
    if (t->thr && t->ev.kind == PE_SYSCALL && platform->out_flush && platform->out_flush(t->thr) &&
        t->sys_result >= 0)
        t->sys_result = -EFAULT;
    t->frozen = true;
    freeze_progress();
    fiber_park();
    t->frozen = false;
}

static struct task *first_unfrozen(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (!t->frozen)
                return t;
        }
    }
    return NULL;
}

static void kick_all(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            t->freeze_told = false;
            task_kick(t);
        }
    }
}

static bool sleeps_in_guest(const struct task *t)
{
    return t->in_guest && platform->sleeps && platform->sleeps(t->thr);
}

static bool tell(bool sleepers)
{
    struct thread_group *tg;
    struct task *t;
    bool any = false;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (t->frozen || (!sleepers && sleeps_in_guest(t)))
                continue;
            any = true;
            if (!t->freeze_told)
                task_kick(t);
            t->freeze_told = true;
        }
    }
    return any;
}

/*
 * Who wakes others stops before those whose sleep the platform serves, which ends by stopping: no
 * wake is lost.
 */
static void tell_to_stop(void)
{
    if (!tell(false))
        tell(true);
}

struct freeze_timer {
    struct ktimer timer;
    bool expired;
};

static void freeze_expired(struct ktimer *k)
{
    container_of(k, struct freeze_timer, timer)->expired = true;
    freeze_progress();
}

static bool anybody_runs(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (t->state == TASK_RUNNING && !sleeps_in_guest(t))
                return true;
        }
    }
    return false;
}

/* Who was woken by the host a moment ago still looks as if he slept: one look is not enough. */
void sandbox_settle(uint64_t deadline_ns)
{
    struct freeze_timer ft;

    freezer = fiber_current();
    ktimer_init(&ft.timer, freeze_expired);
    for (int rests = 0; rests < SETTLED_LOOKS && now_ns() < deadline_ns;) {
        ft.expired = false;
        ktimer_arm(&ft.timer, now_ns() + NSEC_PER_MSEC);
        while (!ft.expired)
            fiber_park();
        rests = anybody_runs() ? 0 : rests + 1;
    }
    freezer = NULL;
}

int sandbox_freeze(uint64_t deadline_ns, struct task **culprit)
{
    struct freeze_timer ft = {.expired = false};

    if (sandbox_freezing)
        return -EBUSY;
    sandbox_freezing = true;
    freezer = fiber_current();
    ktimer_init(&ft.timer, freeze_expired);
    ktimer_arm(&ft.timer, deadline_ns);
    while (tell_to_stop(), (*culprit = first_unfrozen()) && !ft.expired)
        fiber_park();
    ktimer_cancel(&ft.timer);
    freezer = NULL;
    if (!*culprit) {
        ktimers_hold(true); /* its time stands still */
        return 0;
    }
    sandbox_thaw();
    return -ETIMEDOUT;
}

void sandbox_thaw(void)
{
    sandbox_freezing = false;
    ktimers_hold(false);
    kick_all();
}

/* Calls whose rest can be made as a call of its own. */
static bool may_continue(const struct sysargs *a)
{
    switch (a->nr) {
    case SYS_write:
    case SYS_sendto:
        return true;
    case SYS_recvfrom: /* a sender's address would be told twice */
        return (a->arg[3] & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && !a->arg[4];
    default:
        return false;
    }
}

/* Half a write is whole again when the rest is written, half of what was asked for likewise. */
static bool cut_half_way(struct task *t)
{
    if (!t->wait_cut || t->sys_result <= 0 || !may_continue(&t->sys) ||
        (uint64_t)t->sys_result >= t->sys.arg[2])
        return false;
    t->done_ago += (uint64_t)t->sys_result;
    t->sys.arg[1] += (uint64_t)t->sys_result;
    t->sys.arg[2] -= (uint64_t)t->sys_result;
    t->sys_result = -ERESTARTSYS;
    return true;
}

void task_cut_short(struct task *t)
{
    if (!task_signal_waiting(t) && cut_half_way(t)) {
        t->cut_short = true;
        return;
    }
    t->cut_short =
        (t->sys_result == -EINTR || is_restart_code(t->sys_result)) && !task_signal_waiting(t);
}

/*
 * A signal that came meanwhile goes first: the call then ends the way it would have with the signal
 * alone.
 */
bool task_resume_call(struct task *t)
{
    if (!t->cut_short)
        return false;
    t->cut_short = false;
    if (t->ev.kind != PE_SYSCALL || task_signal_pending(t)) {
        t->sys_result = futex_wait_drop(t, t->sys_result);
        return false;
    }
    if (t->sig.restore_saved) {
        t->sig.restore_saved = false;
        signal_set_blocked(t, t->sig.saved_blocked);
    }
    t->resuming = true;
    return true;
}
