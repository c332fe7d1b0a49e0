/* The trap platform behind struct platform; see README.md for the protocol. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "base/log.h"
#include "base/macros.h"
#include "platform/host_vdso.h"
#include "platform/trap/trap.h"
#include "platform/xstate.h"

/* Host-clock ticks are good enough to decide how long to spin. */
#define SPIN_NS 50000
#define SPIN_SHORT_NS 4000
#define STUB_SPIN 1500

/* include/linux/errno.h: platform.h's sys_result may be one of them. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

const struct platform_host *trap_host;
static int ncpus;

static int trap_probe(struct error *e)
{
    unsigned long hwcap2 = getauxval(AT_HWCAP2);

    if (!(hwcap2 & 2)) {
        error_set(e, -ENOTSUP, "the trap platform needs the FSGSBASE instructions");
        error_hint(e, "use --platform=ptrace, or a CPU and kernel (5.9 or later) with fsgsbase");
        return -ENOTSUP;
    }
    if (syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &(uint32_t){0x00030000})) {
        error_set(e, -errno, "the trap platform needs seccomp with SECCOMP_RET_TRAP");
        error_hint(e, "use --platform=ptrace, or a kernel with CONFIG_SECCOMP_FILTER");
        return -ENOTSUP;
    }
    host_vdso_find();
    return 0;
}

/* --- death of stubs --- */
static void reap(void *arg)
{
    int fd = *(int *)arg, status;
    struct signalfd_siginfo si;
    pid_t pid;

    if (read(fd, &si, sizeof(si)) < 0 && errno != EAGAIN)
        return;
    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        struct aspace *as = aspace_by_pid(pid);
        if (as)
            aspace_died(as, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        else if (trap_host->child_reaped)
            trap_host->child_reaped(pid, status);
    }
}

static void doorbell_rung(void *arg)
{
    uint64_t n;

    if (read(trap_doorbell, &n, sizeof(n)) == sizeof(n))
        trap_counts.rung += n;
}

static int trap_init(const struct platform_config *cfg, struct error *e)
{
    static int sigchld_fd;
    sigset_t set;

    trap_host = cfg->host;
    ncpus = cfg->ncpus;
    int err = zygote_start(cfg->hide_cpuid, e);
    if (err)
        return err;
    trap_shared->spin = ncpus > 1 ? STUB_SPIN : 0;
    for (int n = 2; n < ncpus && n <= SPINNERS_MAX; n *= 2)
        trap_shared->spinners_mask = (uint32_t)n - 1;
    trap_shared->traps_shown = cfg->traps_shown;
    trap_shared->xfeatures = xstate_features();
    trap_shared->xsize = xstate_size();
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigchld_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sigchld_fd < 0)
        return error_set(e, -errno, "signalfd");
    err = trap_host->watch(sigchld_fd, reap, &sigchld_fd);
    if (!err)
        err = trap_host->watch(trap_doorbell, doorbell_rung, NULL);
    return err ? error_set(e, err, "watching the stubs") : 0;
}

static void trap_shutdown(void)
{
    zygote_stop();
}

/* --- idling: spin as long as the next event usually comes soon --- */
static uint64_t idle_since, gap_average;

static void gap_seen(void)
{
    if (idle_since) {
        uint64_t gap = __rdtsc() - idle_since;
        gap_average = gap_average - gap_average / 8 + MIN(gap, 1UL << 32) / 8;
        idle_since = 0;
    }
}

static int64_t trap_spin_ns(void)
{
    if (ncpus <= 1 || !trap_running())
        return 0;
    if (!idle_since)
        idle_since = __rdtsc();
    return gap_average < 200000 ? SPIN_NS : SPIN_SHORT_NS;
}

/* A guest that has to get this CPU before it can go on would wait for the end of our spinning. */
static bool trap_crowded(void)
{
    uint32_t cpu = (uint32_t)sched_getcpu() + 1;

    if (trap_shared->sentry_cpu != cpu)
        trap_shared->sentry_cpu = cpu;
    return !trap_others_run(cpu);
}

static int trap_poll_events(void)
{
    static unsigned int events;
    int n = trap_poll();

    if (n && ++events % 64 == 0)
        trap_count_threads(ncpus);

    if (n && idle_since)
        gap_seen();
    else if (n) /* before a clock was read: as good as no gap */
        gap_average -= gap_average / 8;
    return n;
}

static bool trap_idle_enter(void)
{
    __atomic_store_n(&trap_shared->sentry_sleeping, 1, __ATOMIC_SEQ_CST);
    if (!trap_pending())
        return true;
    trap_shared->sentry_sleeping = 0;
    return false;
}

static void trap_idle_leave(void)
{
    trap_shared->sentry_sleeping = 0;
    gap_seen();
}

/* --- events --- */
static void read_syscall(struct gthread *thr, uint32_t nsegs, struct platform_event *ev)
{
    struct slot *s = thr->slot;

    ev->kind = PE_SYSCALL;
    thr->in_syscall = true;
    ev->sys_done = false;
    ev->sys.nr = thr->nr = (int32_t)s->nr;
    for (int i = 0; i < 6; i++)
        ev->sys.args[i] = s->args[i];
    ev->trapped = !thr->fast;
    ev->sys.ip = thr->fast ? 0 : s->ip;
    window_read_segs(thr, nsegs, s->dirs);
}

static void read_fault(struct gthread *thr, struct platform_event *ev)
{
    struct slot *s = thr->slot;

    ev->kind = PE_FAULT;
    memset(&ev->info, 0, sizeof(ev->info));
    ev->info.si_signo = (int)s->signo;
    if (ev->info.si_signo < 1 || ev->info.si_signo > SIGSYS)
        ev->info.si_signo = SIGSEGV;
    ev->info.si_code = (int)s->fault_code;
    ev->info.si_addr = (void *)s->fault_addr;
    ev->trapno = s->trapno;
    ev->err = s->err;
    ev->cr2 = s->cr2;
    thr->nr = -1;
    thr->nsegs = 0;
}

/* A futex wait that was interrupted: as futex_wait() of kernel/futex/waitwake.c has it. */
static void read_wait(struct slot *s, struct platform_event *ev)
{
    static const long restart[] = {[TIMEOUT_NONE] = -ERESTARTSYS,
                                   [TIMEOUT_ABSOLUTE] = -ERESTARTNOHAND,
                                   [TIMEOUT_RELATIVE] = -ERESTART_RESTARTBLOCK,
                                   [TIMEOUT_NOT_BEGUN] = -ERESTARTNOINTR};
    uint64_t result = (uint64_t) * (volatile int64_t *)&s->result;

    ev->sys_done = true;
    ev->sys_result = restart[result & TIMEOUT_MASK];
    ev->requeued = result & WAIT_REQUEUED;
    ev->deadline_ns = s->futex_deadline;
}

static void read_event(struct gthread *thr, struct platform_event *ev)
{
    struct slot *s = thr->slot;
    uint32_t event = *(volatile uint32_t *)&s->event;
    bool fast = event & EVENT_FAST;
    uint64_t frame = fast ? SLOT_MADE_FRAME : *(volatile uint64_t *)&s->frame;

    /* 512: no ucontext is longer. */
    if (frame < SLOT_STACK || frame > SLOT_SIZE - 512 || frame % 8) {
        log_debug("stub %d posted a bad frame", thr->as->pid);
        trap_aspace_kill(thr->as);
        ev->kind = PE_EXITED;
        ev->exit_signal = SIGSEGV;
        return;
    }
    thr->frame = frame;
    thr->fast = fast;
    thr->fs_known = false;
    thr->regs_set = false;
    thr->in_syscall = false;
    switch (EVENT_KIND(event)) {
    case SEV_SYSCALL:
        read_syscall(thr, EVENT_NSEGS(event), ev);
        break;
    case SEV_SYSCALL_INT:
        read_syscall(thr, 0, ev);
        read_wait(s, ev);
        break;
    case SEV_SIGMASK:
        read_syscall(thr, 0, ev);
        ev->sys_done = true;
        ev->sys_result = 0;
        break;
    case SEV_FAULT:
        read_fault(thr, ev);
        break;
    default:
        ev->kind = PE_INTERRUPTED;
        ev->trapped = EVENT_KIND(event) == SEV_SITE;
        ev->sys.nr = __NR_futex;
        ev->sys.ip = s->ip + 2;
        thr->nr = -1;
        thr->nsegs = 0;
    }
    thr->stepped = false;
    /* A call by a thunk has the call's address, but one that was stopped on its way back has not.
     */
    if (unlikely(thr->as->text) && !(thr->fast && ev->kind == PE_SYSCALL)) {
        uint64_t ip = frame_ip(thr), canonical = text_canonical(thr->as, ip);
        thr->stepped =
            ev->kind == PE_FAULT && ev->info.si_signo == SIGTRAP && text_is_entry(thr->as, ip);
        if (canonical != ip)
            frame_set_ip(thr, canonical);
    }
}

static void interrupt_now(struct gthread *thr)
{
    if (!thr->as->dead && thr->as->pid > 0)
        syscall(SYS_tgkill, thr->as->pid, thr->tid, STUB_SIG_INTERRUPT);
}

static void run_once(struct gthread *thr, struct platform_event *ev)
{
    struct slot *s = thr->slot;

    thr->interrupted = false;
    if (unlikely(thr->as->text_busy))
        text_wait(thr);
    window_put_out(thr);
    if (!thr->fast || thr->regs_set)
        s->resume_frame = thr->frame;
    if (unlikely(thr->as->text) && (thr->regs_set || !thr->fast || !thr->in_syscall)) {
        uint64_t ip = frame_ip(thr), to = text_redirect(thr->as, ip);
        if (to != ip)
            frame_set_ip(thr, to);
    }
    if (thr->regs_set || !thr->in_syscall) {
        s->set_fs_base = frame_fs_base(thr);
        s->resume_frame = thr->frame;
        trap_send(thr, CMD_RESUME);
    } else {
        s->ret = thr->ret;
        trap_send(thr, CMD_RETURN);
    }
    thr->regs_set = false;
    if (unlikely(thr->interrupted))
        interrupt_now(thr);
    if (trap_wait(thr)) {
        ev->kind = PE_EXITED;
        ev->exit_signal = thr->as->exit_signal;
        return;
    }
    read_event(thr, ev);
}

/*
 * The flag for single steps makes the jump of a site trap where the program knows nothing of. From
 * then on its code is as it was: the instruction runs again, and traps where it should.
 */
static bool step_again(struct gthread *thr)
{
    thr->as->keep_text = true;
    return !text_restore(thr, 0, UINT64_MAX);
}

static void trap_run(struct gthread *thr, struct platform_event *ev)
{
    do
        run_once(thr, ev);
    while (unlikely(thr->stepped) && ev->kind == PE_FAULT && step_again(thr));
}

static void trap_interrupt(struct gthread *thr)
{
    if (thr->running)
        interrupt_now(thr);
    else
        thr->interrupted = true;
}

static void trap_set_cpus(struct gthread *thr, const cpu_set_t *set)
{
    if (!thr->as->dead && thr->tid > 0 && sched_setaffinity(thr->tid, sizeof(*set), set))
        log_debug("a thread cannot be pinned: %s", strerror(errno));
}

static void trap_set_return(struct gthread *thr, long value)
{
    thr->ret = value;
    if (thr->regs_set)
        frame_set_ax(thr, value);
}

/* --- memory --- */
static ssize_t trap_read_mem(struct aspace *as, void *dst, uint64_t addr, size_t len)
{
    struct iovec local = {dst, len}, remote = {(void *)addr, len};
    ssize_t n = process_vm_readv(as->pid, &local, 1, &remote, 1, 0);

    return n > 0 ? n : -EFAULT;
}

static ssize_t trap_write_mem(struct aspace *as, uint64_t addr, const void *src, size_t len)
{
    struct iovec local = {(void *)(uintptr_t)src, len}, remote = {(void *)addr, len};
    ssize_t n = process_vm_writev(as->pid, &local, 1, &remote, 1, 0);

    return n > 0 ? n : -EFAULT;
}

static bool trap_sleeps(const struct gthread *thr)
{
    return thr->slot && *(volatile uint32_t *)&thr->slot->in_futex;
}

static void trap_set_facts(struct gthread *thr, const struct platform_facts *f)
{
    struct slot_facts *to = &thr->slot->facts;

    to->pid = (uint32_t)f->pid;
    to->tid = (uint32_t)f->tid;
    to->ppid = (uint32_t)f->ppid;
    to->uid = f->uid;
    to->euid = f->euid;
    to->gid = f->gid;
    to->egid = f->egid;
    to->valid = f->valid;
}

static void trap_ask_futex(struct aspace *as)
{
    struct gthread *thr;

    as->ask_futex = true;
    list_for_each(thr, &as->threads, node)
        thr->slot->ask_futex = 1;
}

static bool trap_futex_again(struct gthread *thr, uint64_t addr, uint64_t deadline_ns)
{
    if (thr->as->ask_futex)
        return false;
    thr->slot->again_deadline = deadline_ns;
    thr->slot->again_addr = addr;
    return true;
}

static int trap_thread_cpu_ns(struct gthread *thr, uint64_t *ns)
{
    char *at = (char *)thr->slot + SLOT_SCRATCH;
    struct platform_hostcall call = {
        .nr = __NR_clock_gettime,
        .args = {CLOCK_THREAD_CPUTIME_ID, slot_guest_addr(thr) + SLOT_SCRATCH},
        .fd = -1};
    struct timespec ts;

    int err = platform_trap.hostcall(thr, &call);
    if (err)
        return err;
    memcpy(&ts, at, sizeof(ts)); /* whatever the guest makes of it */
    *ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    return 0;
}

static void trap_call_waits(struct gthread *thr)
{
    trap_waits(thr, ncpus);
}

static void trap_set_sigmask(struct gthread *thr, uint64_t blocked, bool pending)
{
    __atomic_store_n(&thr->slot->sigmask, blocked, __ATOMIC_RELAXED);
    __atomic_store_n(&thr->slot->sigpending, pending, __ATOMIC_RELAXED);
}

static uint64_t trap_get_sigmask(const struct gthread *thr)
{
    return __atomic_load_n(&thr->slot->sigmask, __ATOMIC_SEQ_CST);
}

static void trap_signal_waits(struct gthread *thr)
{
    __atomic_store_n(&thr->slot->sigpending, 1, __ATOMIC_SEQ_CST);
}

static int trap_hostcall(struct gthread *thr, struct platform_hostcall *call)
{
    int err = donate_cleanup(thr);

    return err ? err : trap_hostcall_with(thr, call, call->fd >= 0 ? HC_FD_ONCE : HC_NO_FD);
}

const struct platform platform_trap = {
    .name = "trap",
    .aborts_rseq = true,
    .probe = trap_probe,
    .init = trap_init,
    .shutdown = trap_shutdown,
    .poll = trap_poll_events,
    .idle_enter = trap_idle_enter,
    .idle_leave = trap_idle_leave,
    .spin_ns = trap_spin_ns,
    .crowded = trap_crowded,
    .aspace_new = trap_aspace_new,
    .aspace_fork = trap_aspace_fork,
    .aspace_get = trap_aspace_get,
    .aspace_put = trap_aspace_put,
    .aspace_kill = trap_aspace_kill,
    .aspace_pid = trap_aspace_pid,
    .thread_new = trap_thread_new,
    .thread_free = trap_thread_free,
    .run = trap_run,
    .interrupt = trap_interrupt,
    .set_cpus = trap_set_cpus,
    .sleeps = trap_sleeps,
    .get_regs = frame_get_regs,
    .set_regs = frame_set_regs,
    .set_return = trap_set_return,
    .fpstate_size = xstate_size,
    .xfeatures = xstate_features,
    .push_frame = frame_push,
    .load_fpstate = frame_load_fpstate,
    .get_fpstate = frame_get_fpstate,
    .set_fpstate = frame_set_fpstate,
    .read_mem = trap_read_mem,
    .write_mem = trap_write_mem,
    .in_window = window_in,
    .out_window = window_out,
    .out_commit = window_commit,
    .written = window_written,
    .out_zero = window_zero,
    .out_flush = window_flush,
    .set_facts = trap_set_facts,
    .call_waits = trap_call_waits,
    .set_sigmask = trap_set_sigmask,
    .get_sigmask = trap_get_sigmask,
    .signal_waits = trap_signal_waits,
    .counts = slots_counts,
    .patch = text_patch,
    .patch_forget = text_forget,
    .patch_restore = text_restore,
    .patch_hide = text_hide,
    .patch_never = text_never,
    .ask_futex = trap_ask_futex,
    .claim_futex = text_claim_futex,
    .futex_again = trap_futex_again,
    .thread_cpu_ns = trap_thread_cpu_ns,
    .hostcall = trap_hostcall,
    .hostcalls = trap_hostcalls,
    .transfer = donate_transfer,
    .forget_file = donate_forget,
};
