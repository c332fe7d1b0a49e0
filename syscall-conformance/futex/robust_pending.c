/*
 * Robust lists (get_robust_list(2)): the operation that was pending, locks with priority
 * inheritance, what a process that is killed has held, and lists that lead nowhere.
 */
#include "futex.h"

struct head {
    struct robust_list list;
    long offset;
    struct robust_list *pending;
};

/* Entries are laid so that each word is at the same distance from its entry. */
struct lock {
    struct robust_list entry;
    uint32_t word, pad;
};
static struct arena {
    struct head head;
    struct lock lock[5];
    volatile int ready;
} * m;

static pid_t with_locks(void (*prepare)(uint32_t me), int killed)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < 5; i++)
            m->lock[i] = (struct lock){0};
        m->head.offset = offsetof(struct lock, word);
        m->head.list.next = &m->head.list;
        m->head.pending = NULL;
        prepare((uint32_t)syscall(SYS_gettid));
        syscall(SYS_set_robust_list, &m->head, sizeof(m->head));
        m->ready = 1;
        if (killed)
            for (;;)
                pause();
        syscall(SYS_exit, 0);
    }
    while (!m->ready)
        sched_yield();
    m->ready = 0;
    if (killed)
        kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return pid;
}

static void pending_only(uint32_t me)
{
    m->lock[0].word = me;
    m->head.pending = &m->lock[0].entry;
}

static void two_and_pi(uint32_t me)
{
    m->lock[0].word = me | FUTEX_WAITERS;
    m->lock[1].word = me;
    m->lock[2].word = me + 1; /* not its own */
    m->head.list.next = &m->lock[0].entry;
    m->lock[0].entry.next = (void *)((uintptr_t)&m->lock[1].entry | 1);
    m->lock[1].entry.next = &m->lock[2].entry;
    m->lock[2].entry.next = &m->head.list;
}

static void nowhere(uint32_t me)
{
    m->lock[0].word = me;
    m->lock[1].word = me;
    m->head.list.next = &m->lock[0].entry;
    m->lock[0].entry.next = BAD_PTR;
    m->head.pending = &m->lock[1].entry;
}

static void endless(uint32_t me)
{
    m->lock[0].word = me;
    m->head.list.next = &m->lock[0].entry;
    m->lock[0].entry.next = &m->lock[0].entry;
}

int main(void)
{
    struct waiter w;

    m = shared_page();
    with_locks(pending_only, 0);
    is_eq(m->lock[0].word, FUTEX_OWNER_DIED);
    with_locks(pending_only, 1);
    is_eq(m->lock[0].word, FUTEX_OWNER_DIED);
    pid_t pid = with_locks(two_and_pi, 1);
    is_eq(m->lock[0].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    is_eq(m->lock[1].word, FUTEX_OWNER_DIED);
    is_eq(m->lock[2].word, (uint32_t)pid + 1);
    with_locks(nowhere, 0);
    is_eq(m->lock[0].word, FUTEX_OWNER_DIED);
    is_eq(m->lock[1].word & FUTEX_OWNER_DIED, 0); /* a bad entry ends it all */
    with_locks(endless, 0);
    is_eq(m->lock[0].word, FUTEX_OWNER_DIED);

    /* Unlocked, but nobody was woken yet. */
    m->lock[4].word = 0;
    waiter_start(&w, &m->lock[4].word, FUTEX_WAIT, 0, 0);
    pid = fork();
    if (pid == 0) {
        m->head.list.next = &m->head.list;
        m->head.offset = offsetof(struct lock, word);
        m->head.pending = &m->lock[4].entry;
        syscall(SYS_set_robust_list, &m->head, sizeof(m->head));
        syscall(SYS_exit, 0);
    }
    waitpid(pid, NULL, 0);
    is_eq(waiter_join(&w), 0);

    void *head;
    size_t len;
    is_errno(syscall(SYS_get_robust_list, -1, &head, &len), ESRCH);
    is_errno(syscall(SYS_set_robust_list, m, 23), EINVAL);
    done();
}
