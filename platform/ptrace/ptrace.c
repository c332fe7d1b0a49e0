/*
 * The ptrace platform: guest threads are tracees run with PTRACE_SYSEMU, host calls are injected by
 * single-stepping a syscall instruction in the stub's text. Slow and simple: the reference.
 *
 * A tracee is running (SYSEMU was asked for, no stop seen since) or stopped. Injection is
 * synchronous: the sentry waits for that one tracee, for as long as a memory call takes. Threads
 * that ended stay stopped and are used again.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/log.h"
#include "platform/platform.h"
#include "platform/xstate.h"
#include "platform/trap/layout.h"

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif
#define USER_CS 0x33
#define USER_DS 0x2b
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define INTERRUPT_SIGNAL SIGUSR2
#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL)
#define FORK_FLAGS (CLONE_PARENT | SIGCHLD)
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

extern const char stub_image[], stub_image_end[];

struct gthread {
    struct list node, all_node;
    struct aspace *as;
    pid_t tid;
    bool running, posted, parked;
    int status; /* of the stop that was seen */
    void *waiter;
    struct user_regs_struct regs;
    bool dirty;
};

struct aspace {
    unsigned int refs;
    pid_t pid;
    bool dead;
    int exit_signal;
    struct list threads; /* parked ones too */
    struct list node;
};

static const struct platform_host *host;
static struct list spaces = LIST_INIT(spaces), tracees = LIST_INIT(tracees);
static struct aspace *zygote_as;
static struct gthread *zygote;
static uint64_t syscall_insn;
static int ctl[2] = {-1, -1}; /* [1] is STUB_FD_CTL in every tracee: nobody else reads from it */

/* --- stops --- */
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
            host->wake(t->waiter);
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
        host->wake(t->waiter);
}

static int collect(void)
{
    int status, n = 0;
    pid_t tid;

    while ((tid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        stop_seen(tid, status);
        n++;
    }
    return n;
}

static void sigchld(void *arg)
{
    struct signalfd_siginfo si;

    if (read(*(int *)arg, &si, sizeof(si)) < 0)
        return;
    collect();
}

/* --- registers --- */
static int load_regs(struct gthread *t)
{
    t->dirty = false;
    return ptrace(PTRACE_GETREGS, t->tid, NULL, &t->regs) ? -errno : 0;
}

static int store_regs(struct gthread *t)
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

static int64_t inject(struct gthread *t, long nr, const unsigned long a[6], pid_t *born)
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

static int64_t inject4(struct gthread *t, long nr, unsigned long a, unsigned long b,
                       unsigned long c, unsigned long d)
{
    return inject(t, nr, (unsigned long[]){a, b, c, d, 0, 0}, NULL);
}

/* --- address spaces and threads --- */
static struct gthread *thread_alloc(struct aspace *as, pid_t tid)
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

static void thread_destroy(struct gthread *t)
{
    list_del(&t->node);
    list_del(&t->all_node);
    free(t);
}

static struct aspace *space_alloc(pid_t pid)
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

/* A newborn stops with SIGSTOP before its first instruction. */
static int await_birth(pid_t tid)
{
    int status;

    if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
        return -EAGAIN;
    return 0;
}

static int clone_from(struct gthread *parent, unsigned long flags, pid_t *tid)
{
    *tid = 0;
    int64_t r = inject(parent, SYS_clone, (unsigned long[]){flags, 0, 0, 0, 0, 0}, tid);
    if (r < 0)
        return (int)r;
    return *tid > 0 ? await_birth(*tid) : -EAGAIN;
}

static int copy_state(struct gthread *to, const struct gthread *from)
{
    to->regs = from->regs;
    to->dirty = true;
    to->posted = true;
    return 0;
}

static int pt_fork(struct gthread *thr, struct aspace **out, struct gthread **child)
{
    pid_t pid;
    int err = clone_from(thr, FORK_FLAGS, &pid);

    if (err)
        return err;
    struct aspace *as = space_alloc(pid);
    struct gthread *t = as ? thread_alloc(as, pid) : NULL;
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

static int pt_new(struct aspace **as, struct gthread **thr)
{
    int err = pt_fork(zygote, as, thr);

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

static int pt_thread_new(struct gthread *thr, struct gthread **child)
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
    *child = thread_alloc(thr->as, tid);
    return *child ? copy_state(*child, thr) : -ENOMEM;
}

static void pt_thread_free(struct gthread *t)
{
    t->waiter = NULL;
    if (t->posted && !t->as->dead)
        t->parked = true;
    else
        thread_destroy(t);
}

static struct aspace *pt_get(struct aspace *as)
{
    as->refs++;
    return as;
}

static void pt_kill(struct aspace *as)
{
    if (!as->dead && as->pid > 0)
        kill(as->pid, SIGKILL);
}

static void pt_put(struct aspace *as)
{
    if (--as->refs)
        return;
    pt_kill(as);
    while (!list_empty(&as->threads))
        thread_destroy(list_first(&as->threads, struct gthread, node));
    list_del(&as->node);
    free(as);
}

static pid_t pt_pid(struct aspace *as)
{
    return as->pid;
}

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
    if (t->as->dead || store_regs(t) || ptrace(PTRACE_SYSEMU, t->tid, NULL, NULL)) {
        t->running = false;
        pt_kill(t->as);
    }
    t->waiter = host->current();
    while (!t->posted && !t->as->dead)
        host->park();
    t->waiter = NULL;
    if (!t->posted || load_regs(t)) {
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
    t->regs.orig_rax = (unsigned long long)-1; /* no restart by the host kernel */
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

/* --- memory --- */
static ssize_t pt_read(struct aspace *as, void *dst, uint64_t addr, size_t len)
{
    struct iovec l = {dst, len}, r = {(void *)addr, len};
    ssize_t n = process_vm_readv(as->pid, &l, 1, &r, 1, 0);

    return n > 0 ? n : -EFAULT;
}

static ssize_t pt_write(struct aspace *as, uint64_t addr, const void *src, size_t len)
{
    struct iovec l = {(void *)(uintptr_t)src, len}, r = {(void *)addr, len};
    ssize_t n = process_vm_writev(as->pid, &l, 1, &r, 1, 0);

    return n > 0 ? n : -EFAULT;
}

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

/* What recvmsg needs, in the scratch page of the tracee. */
struct receive {
    struct msghdr m;
    struct iovec iov;
    char byte;
    union {
        struct cmsghdr h;
        char buf[CMSG_SPACE(sizeof(int))];
    } ctl;
};

static int send_fd(int fd)
{
    char byte = 0;
    struct iovec iov = {&byte, 1};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } c = {0};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof(c.buf)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof(fd));
    return sendmsg(ctl[0], &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/*
 * What a tracee did not take must not be there for the next one: its other threads can spoil the
 * message header in the scratch page before the call reads it.
 */
static void take_back(void)
{
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    while (recvmsg(ctl[1], &m, MSG_DONTWAIT) >= 0)
        ;
}

static int pass_fd(struct gthread *t, int fd)
{
    const uint64_t at = STUB_SCRATCH;
    struct receive r = {0};

    r.m.msg_iov = (void *)(at + offsetof(struct receive, iov));
    r.m.msg_iovlen = 1;
    r.m.msg_control = (void *)(at + offsetof(struct receive, ctl));
    r.m.msg_controllen = sizeof(r.ctl);
    r.iov.iov_base = (void *)(at + offsetof(struct receive, byte));
    r.iov.iov_len = 1;
    if (pt_write(t->as, at, &r, sizeof(r)) != sizeof(r))
        return -EFAULT;
    int err = send_fd(fd);
    if (err)
        return err;
    int64_t n = inject4(t, SYS_recvmsg, STUB_FD_CTL, at, 0, 0);
    if (n != 1) {
        take_back();
        return n < 0 ? (int)n : -EPROTO;
    }
    if (pt_read(t->as, &r, at, sizeof(r)) != sizeof(r))
        return -EFAULT;
    int got;
    memcpy(&got, r.ctl.buf + sizeof(struct cmsghdr), sizeof(got));
    return got;
}

static int pt_hostcall(struct gthread *t, struct platform_hostcall *call)
{
    unsigned long args[6];
    int fd = -1;

    memcpy(args, call->args, sizeof(args));
    if (call->fd >= 0) {
        fd = pass_fd(t, call->fd);
        if (fd < 0)
            return fd;
        args[4] = (unsigned long)fd;
    }
    call->result = inject(t, call->nr, args, NULL);
    if (fd >= 0)
        inject4(t, SYS_close, (unsigned long)fd, 0, 0, 0);
    return call->result < 0 && call->result > -4096 ? (int)call->result : 0;
}

static uint64_t pt_no_vdso(void)
{
    return 0;
}

/* --- start --- */
static int pt_probe(struct error *e)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 1 : 0);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    error_set(e, -EPERM, "ptrace is not allowed here");
    error_hint(e, "a seccomp filter or kernel.yama.ptrace_scope=3 forbids it; use --platform=trap");
    return -EPERM;
}

static __attribute__((noreturn)) void exec_tracee(int image)
{
    char *argv[] = {"nv-stub", NULL}, *envp[] = {NULL};
    sigset_t none;

    int exec_fd = fcntl(image, F_DUPFD_CLOEXEC, 100);
    if (dup2(ctl[1], STUB_FD_CTL) < 0)
        _exit(110);
    for (int i = 0; i < STUB_FD_CTL; i++)
        close(i);
    close_range(STUB_FD_CTL + 1, (unsigned int)exec_fd - 1, 0);
    close_range((unsigned int)exec_fd + 1, ~0U, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    personality(ADDR_NO_RANDOMIZE);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    syscall(SYS_execveat, exec_fd, "", argv, envp, AT_EMPTY_PATH);
    _exit(111);
}

static int find_syscall_insn(void)
{
    for (const char *p = stub_image + 0x100; p + 1 < stub_image_end; p++)
        if ((unsigned char)p[0] == 0x0f && (unsigned char)p[1] == 0x05) {
            syscall_insn = STUB_TEXT + (uint64_t)(p - stub_image);
            return 0;
        }
    return -ENOEXEC;
}

/* Leaves nothing mapped but the stub's text and a scratch page. */
static int empty_zygote(void)
{
    int64_t r = load_regs(zygote);

    if (!r)
        r = inject4(zygote, SYS_munmap, 0, STUB_TEXT, 0, 0);
    if (!r)
        r = inject4(zygote, SYS_munmap, STUB_TEXT + STUB_TEXT_SIZE,
                    HOST_TASK_SIZE - STUB_TEXT - STUB_TEXT_SIZE, 0, 0);
    if (!r)
        r = inject(zygote, SYS_mmap,
                   (unsigned long[]){STUB_SCRATCH, STUB_SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (unsigned long)-1, 0},
                   NULL);
    return r < 0 ? (int)r : 0;
}

static int start_zygote(void)
{
    cleanup_close int image = memfd_create("nv-stub", MFD_CLOEXEC);
    size_t len = (size_t)(stub_image_end - stub_image);

    if (image < 0 || write(image, stub_image, len) != (ssize_t)len || find_syscall_insn())
        return -EIO;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ctl))
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        exec_tracee(image);
    int err = await_birth(pid); /* here: the stop after exec */
    if (err || ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS))
        return err ? err : -errno;
    zygote_as = space_alloc(pid);
    zygote = zygote_as ? thread_alloc(zygote_as, pid) : NULL;
    return zygote ? empty_zygote() : -ENOMEM;
}

static int pt_init(const struct platform_config *cfg, struct error *e)
{
    static int fd;
    sigset_t set;

    host = cfg->host;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int err = start_zygote();
    if (err)
        return error_set(e, err, "starting the traced stub process");
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    err = fd < 0 ? -errno : host->watch(fd, sigchld, &fd);
    return err ? error_set(e, err, "watching the tracees") : 0;
}

static void pt_shutdown(void)
{
    if (zygote_as)
        pt_kill(zygote_as);
}

static bool pt_idle_enter(void)
{
    return collect() == 0;
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
    .poll = collect,
    .idle_enter = pt_idle_enter,
    .idle_leave = pt_idle_leave,
    .spin_ns = pt_spin_ns,
    .aspace_new = pt_new,
    .aspace_fork = pt_fork,
    .aspace_get = pt_get,
    .aspace_put = pt_put,
    .aspace_kill = pt_kill,
    .aspace_pid = pt_pid,
    .thread_new = pt_thread_new,
    .thread_free = pt_thread_free,
    .run = pt_run,
    .interrupt = pt_interrupt,
    .get_regs = pt_get_regs,
    .set_regs = pt_set_regs,
    .set_return = pt_set_return,
    .fpstate_size = xstate_size,
    .xfeatures = xstate_features,
    .get_fpstate = pt_get_fp,
    .set_fpstate = pt_set_fp,
    .read_mem = pt_read,
    .write_mem = pt_write,
    .in_window = pt_in_window,
    .out_window = pt_out_window,
    .out_commit = pt_out_commit,
    .host_vdso = pt_no_vdso,
    .hostcall = pt_hostcall,
};
