/* kcmp(2) and process_mrelease(2). */
#include <errno.h>
#include <linux/kcmp.h>
#include <sys/random.h>

#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/vfs/file.h"

/* An order of objects that tells nothing about where they are. */
static long compare(const void *a, const void *b)
{
    static uint64_t cookie[2];

    if (!cookie[0] && getrandom(cookie, sizeof(cookie), GRND_NONBLOCK) != sizeof(cookie))
        cookie[0] = 1;
    uint64_t x = ((uint64_t)a ^ cookie[0]) * (cookie[1] | 1);
    uint64_t y = ((uint64_t)b ^ cookie[0]) * (cookie[1] | 1);
    return x == y ? 0 : x < y ? 1 : 2;
}

static long compare_files(struct task *a, struct task *b, uint64_t fd_a, uint64_t fd_b)
{
    cleanup_file struct file *f = a->fds ? fd_get_path_ok(a, (int)fd_a) : NULL;
    cleanup_file struct file *g = b->fds ? fd_get_path_ok(b, (int)fd_b) : NULL;

    return f && g ? compare(f, g) : -EBADF;
}

long sys_kcmp(struct task *t, const struct sysargs *a)
{
    struct task *x = task_find(arg_i32(a, 0)), *y = task_find(arg_i32(a, 1));

    if (!x || !y)
        return -ESRCH;
    if (!trace_may_attach(t, x) || !trace_may_attach(t, y))
        return -EPERM;
    switch (arg_i32(a, 2)) {
    case KCMP_FILE:
        return compare_files(x, y, arg_u64(a, 3), arg_u64(a, 4));
    case KCMP_VM:
        return compare(x->mm, y->mm);
    case KCMP_FILES:
        return compare(x->fds, y->fds);
    case KCMP_FS:
        return compare(x->fs, y->fs);
    case KCMP_SIGHAND:
        return compare(x->tg->sighand, y->tg->sighand);
    case KCMP_IO: /* nobody has an I/O context */
        return 0;
    case KCMP_SYSVSEM:
        return compare(x->sem_undo, y->sem_undo);
    case KCMP_EPOLL_TFD:
        explain_missing("kcmp", "KCMP_EPOLL_TFD");
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

/* A process that dies gives its memory back by itself, and soon. */
long sys_process_mrelease(struct task *t, const struct sysargs *a)
{
    if (arg_u32(a, 1))
        return -EINVAL;
    const struct thread_group *tg = pidfd_group(t, arg_i32(a, 0));
    if (!tg)
        return -EBADF;
    if (!tg->leader || tg->zombie)
        return -ESRCH;
    return tg->exiting ? 0 : -EINVAL;
}
