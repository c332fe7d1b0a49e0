/* select(2), pselect6(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/poller.h"
#include "sentry/kernel/task.h"

#define SELECT_IN (EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR)
#define SELECT_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR)
#define SELECT_EX EPOLLPRI
#define WORDS_ON_STACK 16 /* 1024 descriptors */

struct select_sets {
    int n;
    size_t words;
    uint64_t *in[3], *out[3];
    uint64_t small[6 * WORDS_ON_STACK];
};

static int ask_all(struct task *t, struct select_sets *s, struct poller *p)
{
    static const uint32_t masks[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};
    int ready = 0;

    memset(s->out[0], 0, 3 * s->words * sizeof(uint64_t));
    for (size_t w = 0; w < s->words; w++) {
        uint64_t left = s->in[0][w] | s->in[1][w] | s->in[2][w];
        for (; left; left &= left - 1) {
            int fd = (int)(w * 64) + __builtin_ctzll(left);
            uint64_t bit = left & -left;
            if (fd >= s->n)
                break;
            cleanup_file struct file *f = fd_get(t, fd);
            if (!f)
                return -EBADF;
            uint32_t got = p && !ready ? poller_ask(p, f) : file_poll(f, NULL);
            for (int k = 0; k < 3; k++)
                if ((s->in[k][w] & bit) && (got & masks[k])) {
                    s->out[k][w] |= bit;
                    ready++;
                }
        }
    }
    return ready;
}

static long select_loop(struct task *t, struct select_sets *s, uint64_t deadline)
{
    struct poller p;
    long ret;

    if (!deadline)
        return ask_all(t, s, NULL);
    poller_init(&p);
    for (;;) {
        ret = ask_all(t, s, &p);
        if (ret || p.failed)
            break;
        poller_armed(&p);
        int err = poller_wait(t, &p, deadline);
        if (err) {
            ret = err == -ETIMEDOUT ? ask_all(t, s, NULL) : -ERESTARTNOHAND;
            break;
        }
    }
    poller_done(&p);
    return p.failed && !ret ? -ENOMEM : ret;
}

static long do_select(struct task *t, int n, const uint64_t addr[3], uint64_t deadline)
{
    cleanup_free uint64_t *big = NULL;
    struct select_sets s;

    if (n < 0)
        return -EINVAL;
    s.n = MIN(n, fdtable_size(t->fds));
    s.words = ((size_t)s.n + 63) / 64;
    uint64_t *sets = s.small;
    if (s.words > WORDS_ON_STACK) {
        sets = big = malloc(6 * s.words * sizeof(uint64_t));
        if (!big)
            return -ENOMEM;
    }
    memset(sets, 0, 6 * s.words * sizeof(uint64_t));
    for (size_t k = 0; k < 3; k++) {
        s.in[k] = sets + k * s.words;
        s.out[k] = sets + (3 + k) * s.words;
        if (addr[k] && copy_in(t, s.in[k], addr[k], s.words * sizeof(uint64_t)))
            return -EFAULT;
    }
    long r = select_loop(t, &s, deadline);
    if (r < 0)
        return r;
    for (int k = 0; k < 3; k++)
        if (addr[k] && copy_out(t, addr[k], s.out[k], s.words * sizeof(uint64_t)))
            return -EFAULT;
    return r;
}

long sys_select(struct task *t, const struct sysargs *a)
{
    const uint64_t sets[3] = {arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3)};
    uint64_t deadline = NO_DEADLINE;
    struct timeval tv;

    if (arg_u64(a, 4)) {
        if (get_user(t, &tv, arg_u64(a, 4)))
            return -EFAULT;
        if (tv.tv_sec < 0 || tv.tv_usec < 0)
            return -EINVAL;
        struct timespec ts = {tv.tv_sec, tv.tv_usec % 1000000 * NSEC_PER_USEC};
        if (__builtin_add_overflow(ts.tv_sec, tv.tv_usec / 1000000, &ts.tv_sec))
            ts.tv_sec = INT64_MAX;
        deadline = ts.tv_sec || ts.tv_nsec ? deadline_after(&ts) : 0;
    }
    long r = do_select(t, arg_i32(a, 0), sets, deadline);
    poll_put_remaining(t, arg_u64(a, 4), deadline, true);
    return r;
}

long sys_pselect6(struct task *t, const struct sysargs *a)
{
    const uint64_t sets[3] = {arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3)};
    uint64_t deadline, mask[2] = {0, 0};

    if (arg_u64(a, 5) && copy_in(t, mask, arg_u64(a, 5), sizeof(mask)))
        return -EFAULT;
    int err = poll_deadline_timespec(t, arg_u64(a, 4), &deadline);
    if (!err)
        err = signal_set_temp_mask(t, mask[0], mask[1]);
    if (err)
        return err;
    long r = do_select(t, arg_i32(a, 0), sets, deadline);
    poll_unmask(t, r == -ERESTARTNOHAND);
    poll_put_remaining(t, arg_u64(a, 4), deadline, false);
    return r;
}
