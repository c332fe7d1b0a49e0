/*
 * Tracees: stops seen, registers, injected system calls.
 *
 * A tracee is running (SYSEMU was asked for, no stop seen since) or stopped. Injection steps over a
 * syscall instruction in the stub's text and is synchronous: the sentry waits for that one tracee,
 * for as long as a memory call takes.
 */
#include "platform/ptrace/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define USER_CS 0x33
#define USER_DS 0x2b

const struct platform_host *ptrace_host;
uint64_t syscall_insn;
static struct list tracees = LIST_INIT(tracees);

/* --- address spaces and threads --- */
struct gthread *tracee_new(struct aspace *as, pid_t tid)
{
    struct gthread *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->as = as;
    t->tid = tid;
    list_add_tail(&as->threads, &t->node);
    list_add_tail(&tracees, &t->all_node);
    return t;
}

void tracee_free(struct gthread *t)
{
    list_del(&t->node);
    list_del(&t->all_node);
    free(t);
}

/* A newborn stops with SIGSTOP before its first instruction. */
int tracee_await_birth(pid_t tid)
{
    int status;

    if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
        return -EAGAIN;
    return 0;
}

static struct gthread *thread_by_tid(pid_t tid)
{
    struct gthread *t;

    list_for_each(t, &tracees, all_node) {
        if (t->tid == tid)
            return t;
    }
    return NULL;
}

static void space_died(struct aspace *as, int sig)
{
    struct gthread *t;

    as->dead = true;
    as->exit_signal = sig;
    list_for_each(t, &as->threads, node) {
        t->running = false;
        if (t->waiter)
            ptrace_host->wake(t->waiter);
    }
}

static void stop_seen(pid_t tid, int status)
{
    struct gthread *t = thread_by_tid(tid);

    if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (t && !t->as->dead)
            space_died(t->as, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        return;
    }
    if (!t)
        return; /* a child whose fork we are about to hear of waits in its own stop */
    t->status = status;
    t->running = false;
    t->posted = true;
    if (t->waiter)
        ptrace_host->wake(t->waiter);
}

int tracee_collect(void)
{
    int status, n = 0;
    pid_t tid;

    while ((tid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        stop_seen(tid, status);
        n++;
    }
    return n;
}

/* --- registers --- */
int tracee_load_regs(struct gthread *t)
{
    t->dirty = false;
    return ptrace(PTRACE_GETREGS, t->tid, NULL, &t->regs) ? -errno : 0;
}

int tracee_store_regs(struct gthread *t)
{
    if (!t->dirty)
        return 0;
    t->dirty = false;
    return ptrace(PTRACE_SETREGS, t->tid, NULL, &t->regs) ? -ESRCH : 0;
}

/* --- injection --- */
/* Steps over the syscall instruction; *born is the tid a clone made. */
static int step(struct gthread *t, pid_t *born)
{
    int status;

    for (;;) {
        if (ptrace(PTRACE_SINGLESTEP, t->tid, NULL, NULL))
            return -ESRCH;
        if (waitpid(t->tid, &status, __WALL) != t->tid)
            return -ESRCH;
        if (!WIFSTOPPED(status)) {
            stop_seen(t->tid, status);
            return -ESRCH;
        }
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_CLONE << 8) ||
            status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8)) {
            unsigned long msg = 0;
            ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &msg);
            if (born)
                *born = (pid_t)msg;
        } else if (WSTOPSIG(status) == SIGTRAP) {
            return 0;
        } else if (WSTOPSIG(status) == SIGSEGV || WSTOPSIG(status) == SIGBUS ||
                   WSTOPSIG(status) == SIGILL) {
            return -EFAULT; /* it would come again and again */
        }
        /* Another signal, our own interrupt: the task looks at its signals anyway. */
    }
}

int64_t tracee_inject(struct gthread *t, long nr, const unsigned long a[6], pid_t *born)
{
    struct user_regs_struct saved = t->regs, r = t->regs;

    r.rax = (unsigned long long)nr;
    r.orig_rax = (unsigned long long)-1;
    r.rdi = a[0];
    r.rsi = a[1];
    r.rdx = a[2];
    r.r10 = a[3];
    r.r8 = a[4];
    r.r9 = a[5];
    r.rip = syscall_insn;
    r.cs = USER_CS; /* the guest may have gone to 32-bit code */
    r.ss = USER_DS;
    r.eflags = 0x202;
    if (ptrace(PTRACE_SETREGS, t->tid, NULL, &r))
        return -ESRCH;
    /* Out of a SYSEMU stop the first step only leaves the emulated call. */
    for (int i = 0; i < 3 && r.rip == syscall_insn; i++) {
        int err = step(t, born);
        if (err == -EFAULT)
            ptrace(PTRACE_SETREGS, t->tid, NULL, &saved);
        if (err)
            return err;
        if (ptrace(PTRACE_GETREGS, t->tid, NULL, &r))
            return -ESRCH;
    }
    return ptrace(PTRACE_SETREGS, t->tid, NULL, &saved) ? -ESRCH : (int64_t)r.rax;
}

int64_t tracee_inject4(struct gthread *t, long nr, unsigned long a, unsigned long b,
                       unsigned long c, unsigned long d)
{
    return tracee_inject(t, nr, (unsigned long[]){a, b, c, d, 0, 0}, NULL);
}
