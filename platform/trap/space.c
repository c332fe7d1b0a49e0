/* Address spaces and threads: made, forked, reused, ended. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "platform/trap/trap.h"

struct aspace *trap_aspace_get(struct aspace *as)
{
    as->refs++;
    return as;
}

void trap_aspace_kill(struct aspace *as)
{
    if (as->pid > 0 && !as->dead && kill(as->pid, SIGKILL) && errno == ESRCH)
        aspace_died(as, SIGKILL); /* it let another process answer for it */
}

void trap_aspace_put(struct aspace *as)
{
    if (--as->refs)
        return;
    trap_aspace_kill(as);
    aspace_free(as);
}

pid_t trap_aspace_pid(struct aspace *as)
{
    return as->pid;
}

/* The parent may be killed while we wait for its child: then nobody needs the child. */
static int wait_child(struct gthread *child, struct gthread *parent)
{
    child->waiter = parent->waiter = trap_host->current();
    while (!child->posted && !child->as->dead && !parent->as->dead)
        trap_host->park();
    child->waiter = parent->waiter = NULL;
    if (!child->posted)
        return -EAGAIN;
    pid_t pid;
    int err = recv_pid(child->as->ctl_fd, &pid);
    if (!err)
        aspace_set_pid(child->as, pid);
    return err;
}

/* Descriptors that it keeps are the child's, too. */
static void inherit_files(struct aspace *child, const struct aspace *parent)
{
    memcpy(child->donated, parent->donated, sizeof(parent->donated));
    child->next_donated = parent->next_donated;
    child->nstale = parent->nstale;
    memcpy(child->shares, parent->shares, sizeof(parent->shares));
    for (int i = 0; i < SHARES; i++)
        child->shares[i].busy = 0;
    child->stale_shares = parent->stale_shares;
}

/* While it is thr's turn, and nobody changes code. */
static int fork_command(struct gthread *thr, struct gthread *child, int ctl)
{
    int fds[2] = {child->as->slots_fd, ctl};
    int err = send_fds(thr->as->ctl_fd, fds, 2);

    if (err)
        return err;
    child->as->text = text_get(thr->as->text);
    trap_expect(child);
    trap_send(thr, CMD_FORK);
    err = trap_wait(thr);
    if (err)
        return err;
    int64_t pid = thr->slot->result;
    if (pid <= 0)
        return pid < 0 && pid > -4096 ? (int)pid : -EAGAIN;
    child->as->claimed_pid = (pid_t)pid;
    inherit_files(child->as, thr->as);
    return 0;
}

static int fork_locked(struct gthread *thr, struct gthread *child, int ctl)
{
    /* Who changes code may need the turn. */
    while (text_wait(thr), turn_take(&thr->as->fds), thr->as->text_busy && !thr->as->dead)
        turn_give(&thr->as->fds);
    int err = fork_command(thr, child, ctl);
    turn_give(&thr->as->fds);
    if (err)
        return err;
    err = wait_child(child, thr);
    if (err)
        return err;
    child->tid = child->as->pid;
    return frame_copy(child, thr);
}

int trap_aspace_fork(struct gthread *thr, struct aspace **out, struct gthread **out_thr)
{
    struct aspace *as;
    int ctl = -1;
    int err = aspace_alloc(&as, &ctl);

    if (err)
        return err;
    struct gthread *child = gthread_new(as, 0);
    err = -ENOMEM;
    if (child) {
        turn_take(&thr->as->forks);
        trap_may_clone(thr->as, true);
        err = fork_locked(thr, child, ctl);
        trap_may_clone(thr->as, false);
        turn_give(&thr->as->forks);
    }
    close(ctl);
    if (err) {
        if (child)
            gthread_destroy(child);
        trap_aspace_put(as);
        return err;
    }
    *out = as;
    *out_thr = child;
    return 0;
}

int trap_aspace_new(struct aspace **as, struct gthread **thr)
{
    int err = zygote_fork(as, thr);

    if (!err)
        (*thr)->tid = (*as)->pid;
    return err;
}

/* --- threads --- */
static struct gthread *reuse_parked(struct aspace *as)
{
    for (unsigned int w = 0; w < ARRAY_SIZE(as->parked); w++) {
        if (!as->parked[w])
            continue;
        unsigned int index = w * 64 + (unsigned int)__builtin_ctzll(as->parked[w]);
        struct gthread *thr = gthread_new(as, index);
        if (!thr)
            return NULL;
        as->parked[w] &= as->parked[w] - 1;
        thr->seq = as->parked_threads[index].seq;
        thr->tid = as->parked_threads[index].tid;
        thr->posted = true;
        return thr;
    }
    return NULL;
}

static int start_thread(struct gthread *thr, struct gthread **out)
{
    struct aspace *as = thr->as;
    unsigned int index = as->next_index;

    if (index >= SLOTS_MAX)
        return -EAGAIN;
    int err = aspace_grow(as, MIN((unsigned int)SLOTS_MAX, ROUND_UP(index + 1, 4U)));
    if (err)
        return err;
    struct gthread *child = gthread_new(as, index);
    if (!child)
        return -ENOMEM;
    trap_expect(child);
    thr->slot->clone_index = index;
    trap_may_clone(as, true);
    trap_send(thr, CMD_CLONE);
    err = trap_wait(thr);
    trap_may_clone(as, false);
    int64_t tid = thr->slot->result;
    if (!err && tid <= 0)
        err = tid < 0 && tid > -4096 ? (int)tid : -EAGAIN;
    if (!err)
        err = trap_wait(child);
    if (err) { /* the slot stays unused: something may still come up in it */
        gthread_destroy(child);
        return err;
    }
    child->tid = (pid_t)tid;
    *out = child;
    return 0;
}

int trap_thread_new(struct gthread *thr, struct gthread **out)
{
    struct gthread *child = reuse_parked(thr->as);

    if (!child) {
        int err = start_thread(thr, &child);
        if (err)
            return err;
    }
    *out = child;
    return frame_copy(child, thr);
}

void trap_thread_free(struct gthread *thr)
{
    struct aspace *as = thr->as;
    bool is_last = as->threads.next == as->threads.prev; /* nobody will make another one there */

    if (thr->posted && !as->dead && !is_last && !as->parked_threads)
        as->parked_threads = calloc(SLOTS_MAX, sizeof(*as->parked_threads));
    if (thr->posted && !as->dead && !is_last && as->parked_threads) {
        as->parked[thr->index / 64] |= 1ULL << thr->index % 64;
        as->parked_threads[thr->index].seq = thr->seq;
        as->parked_threads[thr->index].tid = thr->tid;
        thr->slot->waits = thr->seq;
    }
    gthread_destroy(thr);
}
