/*
 * Address spaces, their slots and the handoff.
 *
 * A thread is either running (a command was sent; we look at post_seq) or parked in an event. All
 * slot memory is guest-controlled: each word is read once, checked, and used from private memory.
 */
#include <errno.h>
#include <linux/futex.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "platform/trap/trap.h"

#define SLOTS_INITIAL 4

static struct list all = LIST_INIT(all);
static struct gthread **running;
static int nrunning, running_cap;
struct platform_counts trap_counts;

static int running_add(struct gthread *thr)
{
    if (nrunning == running_cap) {
        int cap = running_cap ? running_cap * 2 : 64;
        struct gthread **bigger = realloc(running, (size_t)cap * sizeof(*running));
        if (!bigger)
            return -ENOMEM;
        running = bigger;
        running_cap = cap;
    }
    thr->running = true;
    thr->run_index = nrunning;
    running[nrunning++] = thr;
    return 0;
}

static void running_del(struct gthread *thr)
{
    if (!thr->running)
        return;
    struct gthread *last = running[--nrunning];
    running[thr->run_index] = last;
    last->run_index = thr->run_index;
    thr->running = false;
}

struct turn {
    struct list node;
    void *fiber;
};

void turn_take(struct turns *t)
{
    struct turn turn = {.fiber = trap_host->current()};

    while (t->taken) {
        list_add_tail(&t->waiters, &turn.node);
        trap_host->park();
        list_del(&turn.node);
    }
    t->taken = true;
}

void turn_give(struct turns *t)
{
    t->taken = false;
    if (!list_empty(&t->waiters))
        trap_host->wake(list_first(&t->waiters, struct turn, node)->fiber);
}

int send_fds(int sock, const int *fds, int n)
{
    char byte = 0;
    struct iovec iov = {&byte, 1};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(BATCH_FDS * sizeof(int))];
    } c = {0};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c.buf,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(h), fds, (size_t)n * sizeof(int));
    return sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The kernel's word for who wrote to the control socket: a stub cannot pretend another pid. */
int recv_pid(int sock, pid_t *pid)
{
    char byte;
    struct iovec iov = {&byte, 1};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(struct ucred))];
    } c;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof(c.buf)};

    if (recvmsg(sock, &m, MSG_DONTWAIT) < 0)
        return -errno;
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_CREDENTIALS)
        return -EPROTO;
    struct ucred cred;
    memcpy(&cred, CMSG_DATA(h), sizeof(cred));
    if (cred.pid <= 1)
        return -EPROTO;
    *pid = cred.pid;
    return 0;
}

int aspace_alloc(struct aspace **out, int *stub_ctl)
{
    int sv[2], on = 1;
    struct aspace *as = calloc(1, sizeof(*as));

    if (!as)
        return -ENOMEM;
    as->refs = 1;
    as->ctl_fd = -1;
    for (int i = 0; i < DONATED_MAX; i++)
        as->donated[i].fd = -1;
    list_init(&as->threads);
    list_init(&as->forks.waiters);
    list_init(&as->fds.waiters);
    list_init(&as->text_waiters);
    list_init(&as->node);
    as->slots = MAP_FAILED;
    as->slots_fd = memfd_create("nv-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (as->slots_fd < 0)
        goto fail;
    if (aspace_grow(as, SLOTS_INITIAL) || fcntl(as->slots_fd, F_ADD_SEALS, F_SEAL_SHRINK))
        goto fail;
    as->slots =
        mmap(NULL, SLOTS_SPAN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, as->slots_fd, 0);
    if (as->slots == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
        goto fail;
    as->ctl_fd = sv[0];
    *stub_ctl = sv[1];
    setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    list_add_tail(&all, &as->node);
    *out = as;
    return 0;
fail:;
    int err = errno ? -errno : -ENOMEM;
    aspace_free(as);
    return err;
}

static uint64_t aspace_served(const struct aspace *as)
{
    uint64_t sum = 0;

    for (unsigned int i = 0; i < as->nslots; i++)
        sum += ((volatile struct slot_fast *)(as->slots + i * SLOT_SIZE + SLOT_FAST))->served;
    return sum;
}

void aspace_free(struct aspace *as)
{
    trap_counts.served += aspace_served(as);
    list_del(&as->node);
    if (as->slots != MAP_FAILED)
        munmap(as->slots, SLOTS_SPAN);
    if (as->slots_fd >= 0)
        close(as->slots_fd);
    if (as->ctl_fd >= 0)
        close(as->ctl_fd);
    free(as->parked_threads);
    text_put(as->text);
    free(as);
}

int aspace_grow(struct aspace *as, unsigned int nslots)
{
    if (nslots <= as->nslots)
        return 0;
    if (nslots > SLOTS_MAX)
        return -EAGAIN;
    if (ftruncate(as->slots_fd, (off_t)(nslots * SLOT_SIZE)))
        return -errno;
    as->nslots = nslots;
    return 0;
}

struct gthread *gthread_new(struct aspace *as, unsigned int index)
{
    struct gthread *thr = calloc(1, sizeof(*thr));

    if (!thr)
        return NULL;
    thr->as = as;
    thr->index = index;
    thr->slot = (struct slot *)(as->slots + index * SLOT_SIZE);
    /* Its last user may have ended while code was being changed: nobody would ever unlock it. */
    thr->slot->text_locked = 0;
    thr->slot->ask_futex = as->ask_futex;
    if (index >= as->next_index)
        as->next_index = index + 1;
    list_add_tail(&as->threads, &thr->node);
    return thr;
}

void gthread_destroy(struct gthread *thr)
{
    running_del(thr);
    list_del(&thr->node);
    free(thr);
}

void slots_counts(struct platform_counts *c)
{
    struct aspace *as;

    *c = trap_counts;
    c->rung = MIN(c->rung, c->events); /* guests ring as often as they like */
    list_for_each(as, &all, node)
        c->served += aspace_served(as);
}

struct aspace *aspace_next(const struct aspace *as)
{
    struct list *next = as ? as->node.next : all.next;

    return next == &all ? NULL : list_entry(next, struct aspace, node);
}

struct aspace *aspace_by_pid(pid_t pid)
{
    struct aspace *as, *claimed = NULL;

    list_for_each(as, &all, node) {
        if (as->pid == pid && !as->dead)
            return as;
        if (as->pid == 0 && as->claimed_pid == pid)
            claimed = as;
    }
    return claimed;
}

static void limit_tasks(pid_t pid, bool may)
{
    static struct rlimit own; /* its hard limit is that of all stubs, which cannot change it */

    if (!own.rlim_max && getrlimit(RLIMIT_NPROC, &own))
        return;
    struct rlimit r = {may ? own.rlim_max : 0, own.rlim_max};
    if (prlimit(pid, RLIMIT_NPROC, &r, NULL) && errno != ESRCH)
        log_debug("limiting the tasks of process %d failed", pid);
}

void trap_may_clone(struct aspace *as, bool may)
{
    if (may ? as->may_clone++ == 0 : --as->may_clone == 0)
        if (as->pid > 0 && !as->dead)
            limit_tasks(as->pid, may);
}

/*
 * A stub can let a process of its own making answer for the child of a fork and then end, so that
 * the number is used again: whoever is known by it until now cannot be its owner.
 */
void aspace_set_pid(struct aspace *as, pid_t pid)
{
    struct aspace *other;

    list_for_each(other, &all, node) {
        if (other != as && other->pid == pid && !other->dead) {
            log_warn("two address spaces say to be process %d", pid);
            aspace_died(other, SIGKILL);
        }
    }
    as->pid = pid;
    limit_tasks(pid, false); /* inherited from a parent that was just allowed to fork */
}

void aspace_died(struct aspace *as, int sig)
{
    struct gthread *thr;

    as->dead = true;
    as->exit_signal = sig;
    list_for_each(thr, &as->threads, node) {
        running_del(thr);
        if (thr->waiter)
            trap_host->wake(thr->waiter);
    }
    if (as->text_stopper)
        trap_host->wake(as->text_stopper);
}

/*
 * Waking takes microseconds, in which other threads would wait for their answers: it is done when
 * none does, or too many are to be woken.
 */
#define WAKES_MAX 8
static uint32_t *wakes[WAKES_MAX];
static int nwakes;

static void wake_sleepers(void)
{
    for (int i = 0; i < nwakes; i++)
        syscall(SYS_futex, wakes[i], FUTEX_WAKE, 1, NULL, NULL, 0);
    nwakes = 0;
}

static void wake_later(uint32_t *word)
{
    if (nwakes == WAKES_MAX)
        wake_sleepers();
    wakes[nwakes++] = word;
}

void trap_send(struct gthread *thr, uint32_t cmd)
{
    struct slot *s = thr->slot;

    thr->posted = false;
    s->cmd = cmd;
    __atomic_store_n(&s->cmd_seq, thr->seq, __ATOMIC_SEQ_CST);
    trap_counts.answers++;
    if (__atomic_load_n(&s->sleeping, __ATOMIC_SEQ_CST)) {
        trap_counts.woken++;
        wake_later(&s->cmd_seq);
    }
    if (!thr->as->dead && running_add(thr))
        aspace_died(thr->as, SIGKILL);
}

void trap_expect(struct gthread *thr)
{
    thr->posted = false;
    if (running_add(thr))
        aspace_died(thr->as, SIGKILL);
}

static bool thread_posted(struct gthread *thr)
{
    return __atomic_load_n(&thr->slot->post_seq, __ATOMIC_ACQUIRE) != thr->seq;
}

bool trap_pending(void)
{
    wake_sleepers();
    for (int i = 0; i < nrunning; i++)
        if (thread_posted(running[i]))
            return true;
    return false;
}

bool trap_running(void)
{
    return nrunning > 0;
}

bool trap_others_run(uint32_t cpu)
{
    for (int i = 0; i < nrunning; i++) {
        uint32_t at = *(volatile uint32_t *)&running[i]->slot->cpu;
        if (at && at != cpu) /* 0: it has not run yet, and needs a processor first */
            return true;
    }
    return false;
}

/* How many threads want to run, the sentry among them; it counts no farther than that many. */
static int threads_awake(int most)
{
    int n = 1;

    for (int i = 0; i < nrunning && i < 32 && n < most; i++)
        n += !*(volatile uint32_t *)&running[i]->slot->in_futex;
    return n;
}

void trap_waits(struct gthread *thr, int ncpus)
{
    if (!thr->running && threads_awake(ncpus) >= ncpus)
        __atomic_store_n(&thr->slot->waits, thr->seq, __ATOMIC_RELAXED);
}

void trap_count_threads(int ncpus)
{
    uint32_t crowded = threads_awake(ncpus) >= ncpus; /* besides the one that posts */

    if (trap_shared->crowded != crowded)
        trap_shared->crowded = crowded;
}

int trap_poll(void)
{
    static bool put_off;
    int n = 0;

    for (int i = 0; i < nrunning;) {
        struct gthread *thr = running[i];
        if (!thread_posted(thr)) {
            i++;
            continue;
        }
        running_del(thr); /* puts another one at i */
        thr->seq = __atomic_load_n(&thr->slot->post_seq, __ATOMIC_ACQUIRE);
        __builtin_prefetch(&thr->slot->segs[0]); /* wanted as soon as the fiber runs */
        thr->posted = true;
        trap_counts.events++;
        n++;
        if (thr->on_event)
            thr->on_event(thr);
        else if (thr->waiter)
            trap_host->wake(thr->waiter);
        if (unlikely(thr->as->text_stopper))
            trap_host->wake(thr->as->text_stopper);
    }
    if (nwakes && (!n || put_off))
        wake_sleepers();
    put_off = nwakes > 0;
    return n;
}

int trap_wait(struct gthread *thr)
{
    thr->waiter = trap_host->current();
    while (!thr->posted && !thr->as->dead)
        trap_host->park();
    thr->waiter = NULL;
    return thr->posted ? 0 : -ESRCH;
}
