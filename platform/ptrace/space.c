/* Address spaces and their threads. Threads that ended stay stopped and are used again. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "platform/ptrace/tracee.h"

#define FORK_FLAGS (CLONE_PARENT | SIGCHLD)
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static struct list spaces = LIST_INIT(spaces);

struct aspace *space_new(pid_t pid)
{
    struct aspace *as = calloc(1, sizeof(*as));

    if (!as)
        return NULL;
    as->refs = 1;
    as->pid = pid;
    list_init(&as->threads);
    list_add_tail(&spaces, &as->node);
    return as;
}

static int clone_from(struct gthread *parent, unsigned long flags, pid_t *tid)
{
    *tid = 0;
    int64_t r = tracee_inject(parent, SYS_clone, (unsigned long[]){flags, 0, 0, 0, 0, 0}, tid);
    if (r < 0)
        return (int)r;
    return *tid > 0 ? tracee_await_birth(*tid) : -EAGAIN;
}

static int copy_state(struct gthread *to, const struct gthread *from)
{
    to->regs = from->regs;
    to->dirty = true;
    to->posted = true;
    return 0;
}

int space_fork(struct gthread *thr, struct aspace **out, struct gthread **child)
{
    pid_t pid;
    int err = clone_from(thr, FORK_FLAGS, &pid);

    if (err)
        return err;
    struct aspace *as = space_new(pid);
    struct gthread *t = as ? tracee_new(as, pid) : NULL;
    if (!t) {
        kill(pid, SIGKILL);
        if (as) {
            list_del(&as->node);
            free(as);
        }
        return -ENOMEM;
    }
    *out = as;
    *child = t;
    return copy_state(t, thr);
}

int space_empty(struct aspace **as, struct gthread **thr)
{
    int err = space_fork(ptrace_zygote, as, thr);

    if (err)
        return err;
    struct user_regs_struct *r = &(*thr)->regs;
    uint64_t cs = r->cs, ss = r->ss;
    memset(r, 0, sizeof(*r));
    r->cs = cs;
    r->ss = ss;
    r->eflags = 0x202;
    r->orig_rax = (unsigned long long)-1;
    return 0;
}

int space_thread_new(struct gthread *thr, struct gthread **child)
{
    struct gthread *t;
    pid_t tid;

    list_for_each(t, &thr->as->threads, node) {
        if (t->parked) {
            t->parked = false;
            *child = t;
            return copy_state(t, thr);
        }
    }
    int err = clone_from(thr, THREAD_FLAGS, &tid);
    if (err)
        return err;
    *child = tracee_new(thr->as, tid);
    return *child ? copy_state(*child, thr) : -ENOMEM;
}

void space_thread_free(struct gthread *t)
{
    t->waiter = NULL;
    if (t->posted && !t->as->dead)
        t->parked = true;
    else
        tracee_free(t);
}

struct aspace *space_get(struct aspace *as)
{
    as->refs++;
    return as;
}

void space_kill(struct aspace *as)
{
    if (!as->dead && as->pid > 0)
        kill(as->pid, SIGKILL);
}

void space_put(struct aspace *as)
{
    if (--as->refs)
        return;
    space_kill(as);
    while (!list_empty(&as->threads))
        tracee_free(list_first(&as->threads, struct gthread, node));
    list_del(&as->node);
    free(as);
}

pid_t space_pid(struct aspace *as)
{
    return as->pid;
}

ssize_t space_read(struct aspace *as, void *dst, uint64_t addr, size_t len)
{
    struct iovec l = {dst, len}, r = {(void *)addr, len};
    ssize_t n = process_vm_readv(as->pid, &l, 1, &r, 1, 0);

    return n > 0 ? n : -EFAULT;
}

ssize_t space_write(struct aspace *as, uint64_t addr, const void *src, size_t len)
{
    struct iovec l = {(void *)(uintptr_t)src, len}, r = {(void *)addr, len};
    ssize_t n = process_vm_writev(as->pid, &l, 1, &r, 1, 0);

    return n > 0 ? n : -EFAULT;
}
