/*
 * The ptrace platform: guest threads are tracees run with PTRACE_SYSEMU. Slow and simple: the
 * reference.
 */
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "platform/host_vdso.h"
#include "platform/ptrace/tracee.h"
#include "platform/trap/layout.h"
#include "platform/xstate.h"

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif
#define INTERRUPT_SIGNAL SIGUSR2

/* --- running --- */
static bool is_int80(struct gthread *t)
{
    unsigned char insn[2] = {0};
    struct iovec l = {insn, 2}, r = {(void *)(t->regs.rip - 2), 2};

    return process_vm_readv(t->tid, &l, 1, &r, 1, 0) == 2 && insn[0] == 0xcd && insn[1] == 0x80;
}

static void read_syscall(struct gthread *t, struct platform_event *ev)
{
    const struct user_regs_struct *r = &t->regs;

    ev->kind = PE_SYSCALL;
    ev->sys_done = false;
    ev->trapped = true;
    ev->sys.nr = is_int80(t) ? -1 : (int)r->orig_rax; /* the low half, as Linux */
    const unsigned long args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    memcpy(ev->sys.args, args, sizeof(args));
    ev->sys.ip = r->rip;
}

static void read_fault(struct gthread *t, struct platform_event *ev)
{
    ev->kind = PE_FAULT;
    memset(&ev->info, 0, sizeof(ev->info));
    if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &ev->info))
        ev->info.si_signo = WSTOPSIG(t->status);
    ev->trapno = WSTOPSIG(t->status) == SIGSEGV ? 14 : 0;
    ev->err = 4;
    ev->cr2 = (unsigned long)ev->info.si_addr;
}

static void pt_run(struct gthread *t, struct platform_event *ev)
{
    t->posted = false;
    t->running = true;
    if (t->as->dead || tracee_store_regs(t) || ptrace(PTRACE_SYSEMU, t->tid, NULL, NULL)) {
        t->running = false;
        space_kill(t->as);
    }
    t->waiter = ptrace_host->current();
    while (!t->posted && !t->as->dead)
        ptrace_host->park();
    t->waiter = NULL;
    if (!t->posted || tracee_load_regs(t)) {
        ev->kind = PE_EXITED;
        ev->exit_signal = t->as->exit_signal;
        return;
    }
    int sig = WSTOPSIG(t->status);
    if (sig == SYSCALL_STOP)
        read_syscall(t, ev);
    else if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP)
        read_fault(t, ev);
    else
        ev->kind = PE_INTERRUPTED;
    if (ev->kind != PE_SYSCALL)
        t->regs.orig_rax = (unsigned long long)-1;
}

static void pt_interrupt(struct gthread *t)
{
    if (t->running && !t->as->dead)
        syscall(SYS_tgkill, t->as->pid, t->tid, INTERRUPT_SIGNAL);
}

static void pt_set_cpus(struct gthread *t, const cpu_set_t *set)
{
    if (!t->as->dead && t->tid > 0 && sched_setaffinity(t->tid, sizeof(*set), set))
        log_debug("a thread cannot be pinned: %s", strerror(errno));
}

static int pt_get_regs(struct gthread *t, struct user_regs_struct *regs)
{
    *regs = t->regs;
    return 0;
}

static int pt_set_regs(struct gthread *t, const struct user_regs_struct *regs)
{
    uint64_t cs = t->regs.cs, ss = t->regs.ss, ds = t->regs.ds, es = t->regs.es;

    t->regs = *regs;
    t->regs.cs = cs;
    t->regs.ss = ss;
    t->regs.ds = ds;
    t->regs.es = es;
    t->regs.orig_rax = (unsigned long long)-1; /* no restart by the ptrace_host kernel */
    t->dirty = true;
    return 0;
}

static void pt_set_return(struct gthread *t, long value)
{
    t->regs.rax = (unsigned long long)value;
    t->regs.orig_rax = (unsigned long long)-1;
    t->dirty = true;
}

static int pt_get_fp(struct gthread *t, void *buf, size_t size)
{
    struct iovec v = {buf, size};

    memset(buf, 0, size);
    return ptrace(PTRACE_GETREGSET, t->tid, NT_X86_XSTATE, &v) ? -errno : 0;
}

static int pt_set_fp(struct gthread *t, const void *buf, size_t size)
{
    struct iovec v = {(void *)(uintptr_t)buf, size};

    return ptrace(PTRACE_SETREGSET, t->tid, NT_X86_XSTATE, &v) ? -errno : 0;
}

static int pt_thread_cpu_ns(struct gthread *t, uint64_t *ns)
{
    struct platform_hostcall call = {
        .nr = SYS_clock_gettime, .args = {CLOCK_THREAD_CPUTIME_ID, STUB_SCRATCH}, .fd = -1};
    struct timespec ts = {0};

    int err = tracee_hostcall(t, &call);
    if (!err && space_read(t->as, &ts, STUB_SCRATCH, sizeof(ts)) != sizeof(ts))
        err = -EFAULT;
    if (!err)
        *ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    return err;
}

/* --- windows: there are none --- */
static const void *pt_in_window(struct gthread *t, uint64_t addr, size_t *avail)
{
    return NULL;
}

static void *pt_out_window(struct gthread *t, uint64_t addr, size_t len)
{
    return NULL;
}

static void pt_out_commit(struct gthread *t, uint64_t addr, size_t len)
{
}

static const void *pt_written(struct gthread *t, uint64_t addr, size_t len)
{
    return NULL;
}

/* --- start --- */
static int pt_probe(struct error *e)
{
    int status;

    host_vdso_find();
    pid_t pid = fork();

    if (pid == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 1 : 0);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    error_set(e, -EPERM, "ptrace is not allowed here");
    error_hint(e, "a seccomp filter or kernel.yama.ptrace_scope=3 forbids it; use --platform=trap");
    return -EPERM;
}

static void sigchld(void *arg)
{
    struct signalfd_siginfo si;

    if (read(*(int *)arg, &si, sizeof(si)) < 0)
        return;
    tracee_collect();
}

static int pt_init(const struct platform_config *cfg, struct error *e)
{
    static int fd;
    sigset_t set;

    ptrace_host = cfg->host;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int err = ptrace_zygote_start(cfg->hide_cpuid);
    if (err)
        return error_set(e, err, "starting the traced stub process");
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    err = fd < 0 ? -errno : ptrace_host->watch(fd, sigchld, &fd);
    return err ? error_set(e, err, "watching the tracees") : 0;
}

static void pt_shutdown(void)
{
    ptrace_zygote_stop();
}

static bool pt_idle_enter(void)
{
    return tracee_collect() == 0;
}

static void pt_idle_leave(void)
{
}

static int64_t pt_spin_ns(void)
{
    return 0;
}

const struct platform platform_ptrace = {
    .name = "ptrace",
    .probe = pt_probe,
    .init = pt_init,
    .shutdown = pt_shutdown,
    .poll = tracee_collect,
    .idle_enter = pt_idle_enter,
    .idle_leave = pt_idle_leave,
    .spin_ns = pt_spin_ns,
    .aspace_new = space_empty,
    .aspace_fork = space_fork,
    .aspace_get = space_get,
    .aspace_put = space_put,
    .aspace_kill = space_kill,
    .aspace_pid = space_pid,
    .thread_new = space_thread_new,
    .thread_free = space_thread_free,
    .run = pt_run,
    .interrupt = pt_interrupt,
    .set_cpus = pt_set_cpus,
    .thread_cpu_ns = pt_thread_cpu_ns,
    .get_regs = pt_get_regs,
    .set_regs = pt_set_regs,
    .set_return = pt_set_return,
    .fpstate_size = xstate_size,
    .xfeatures = xstate_features,
    .get_fpstate = pt_get_fp,
    .set_fpstate = pt_set_fp,
    .read_mem = space_read,
    .write_mem = space_write,
    .in_window = pt_in_window,
    .out_window = pt_out_window,
    .out_commit = pt_out_commit,
    .written = pt_written,
    .hostcall = tracee_hostcall,
    .hostcalls = tracee_hostcalls,
};
