/*
 * The stub: host signal handlers that turn what guest code does into events in its slot, and a
 * server for the sentry's commands. It trusts nothing and protects nothing: the guest can overwrite
 * or jump into all of it. What it may do to the host is bounded by the seccomp filter alone.
 */
#include "platform/trap/stub/stub.h"

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/unistd.h>
#include <elf.h>
#include <linux/futex.h>
#include <linux/seccomp.h>

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 16
#define MAP_ANONYMOUS 32
#define MAP_NORESERVE 0x4000
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#define CLONE_THREAD_FLAGS 0x50f00 /* VM FS FILES SIGHAND THREAD SYSVSEM */
#define CLONE_FORK_FLAGS 0x8011    /* CLONE_PARENT | SIGCHLD */
#define PR_SET_NO_NEW_PRIVS 38
#define MSG_CMSG_CLOEXEC 0x40000000

/* The kernel's layout; libc's header would drag in its own types. */
struct stub_sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct stub_ucontext {
    uint64_t flags, link;
    struct {
        uint64_t sp;
        int32_t flags;
        uint64_t size;
    } stack;
    struct stub_sigcontext mc;
    uint64_t sigmask;
};

void *memset(void *d, int c, unsigned long n);
void *memset(void *d, int c, unsigned long n)
{
    void *ret = d;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return ret;
}

static uint64_t read_fs_base(void)
{
    uint64_t v;
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}

static void write_fs_base(uint64_t v)
{
    __asm__ volatile("wrfsbase %0" : : "r"(v));
}

static struct slot *slot_of(const void *p)
{
    return (struct slot *)((uint64_t)p & ~(SLOT_SIZE - 1));
}

static void post(struct slot *s, uint32_t event)
{
    uint64_t one = 1;

    s->event = event;
    __atomic_store_n(&s->post_seq, s->post_seq + 1, __ATOMIC_SEQ_CST);
    if (stub_shared()->sentry_sleeping)
        host_syscall(__NR_write, STUB_FD_DOORBELL, &one, 8, 0);
}

/* Waits until the sentry has answered the last post. */
static void await(struct slot *s)
{
    uint32_t want = s->post_seq;
    uint32_t spin = stub_shared()->spin;

    for (uint32_t i = 0; i < spin; i++) {
        if (__atomic_load_n(&s->cmd_seq, __ATOMIC_ACQUIRE) == want)
            return;
        __builtin_ia32_pause();
    }
    for (;;) {
        __atomic_store_n(&s->sleeping, 1, __ATOMIC_SEQ_CST);
        uint32_t seen = __atomic_load_n(&s->cmd_seq, __ATOMIC_SEQ_CST);
        if (seen == want)
            break;
        host_syscall(__NR_futex, &s->cmd_seq, FUTEX_WAIT, seen, 0);
    }
    s->sleeping = 0;
}

/* Receives up to two descriptors sent by the sentry; they are always there before the command. */
static int receive_fds(int fds[2])
{
    struct {
        uint64_t len;
        int32_t level, type;
        int32_t fd[2];
    } c = {0};
    char byte;
    struct {
        void *base;
        uint64_t len;
    } iov = {&byte, 1};
    struct {
        void *name;
        uint32_t namelen, pad;
        void *iov;
        uint64_t iovlen;
        void *control;
        uint64_t controllen;
        int32_t flags;
    } m = {0, 0, 0, &iov, 1, &c, sizeof(c), 0};

    long r = host_syscall(__NR_recvmsg, STUB_FD_CTL, &m, 0, 0);
    if (r < 0 || m.controllen < 20)
        return -1;
    fds[0] = c.fd[0];
    fds[1] = c.len >= 24 ? c.fd[1] : -1;
    return 0;
}

static __attribute__((noreturn)) void die(int code)
{
    for (;;)
        host_syscall(__NR_exit_group, code, 0, 0, 0);
}

static void serve(struct slot *s);

static __attribute__((noreturn)) void thread_main(void *arg)
{
    struct slot *s = arg;

    post(s, SEV_READY);
    serve(s);
    die(101);
}

static int64_t do_hostcall(struct slot *s)
{
    int fds[2] = {-1, -1};
    uint64_t a4 = s->hc_args[4];

    if (s->hc_fd) {
        if (receive_fds(fds))
            return -9; /* EBADF */
        a4 = (uint64_t)fds[0];
    }
    int64_t r =
        host_syscall6((long)s->hc_nr, (long)s->hc_args[0], (long)s->hc_args[1], (long)s->hc_args[2],
                      (long)s->hc_args[3], (long)a4, (long)s->hc_args[5]);
    if (s->hc_fd)
        host_syscall(__NR_close, fds[0], 0, 0, 0);
    return r;
}

/* In the child: takes the new slots and control socket into use. */
static __attribute__((noreturn)) void fork_child(int slots_fd, int ctl_fd)
{
    char byte = 'R';

    long r = host_syscall6(__NR_mmap, STUB_SLOTS, SLOTS_SPAN, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED | MAP_NORESERVE, slots_fd, 0);
    if (r < 0 || host_syscall(__NR_dup3, ctl_fd, STUB_FD_CTL, 0, 0) < 0)
        die(102);
    host_syscall(__NR_close, slots_fd, 0, 0, 0);
    host_syscall(__NR_close, ctl_fd, 0, 0, 0);
    /* The socket's credentials tell the sentry our true pid. */
    host_syscall(__NR_write, STUB_FD_CTL, &byte, 1, 0);
    stub_on_stack((void *)(STUB_SCRATCH + STUB_SCRATCH_SIZE - 64), thread_main, (void *)STUB_SLOTS);
}

/*
 * clone(2) whose child starts at fn(a, b) on the stack that ends at top. It never returns here: the
 * stack this code runs on is shared memory in a forked child and somebody else's in a thread.
 */
static int64_t clone_to(uint64_t flags, uint64_t top, void *fn, uint64_t a, uint64_t b)
{
    uint64_t *sp = (uint64_t *)(top - 64);
    int64_t ret;

    sp[0] = (uint64_t)fn;
    sp[1] = a;
    sp[2] = b;
    __asm__ volatile("xor %%r10d, %%r10d\n"
                     "xor %%r8d, %%r8d\n"
                     "xor %%edx, %%edx\n"
                     "syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "xor %%ebp, %%ebp\n"
                     "pop %%rax\n"
                     "pop %%rdi\n"
                     "pop %%rsi\n"
                     "and $-16, %%rsp\n"
                     "call *%%rax\n"
                     "hlt\n"
                     "1:\n"
                     : "=a"(ret)
                     : "a"(__NR_clone), "D"(flags), "S"(sp)
                     : "rcx", "rdx", "r8", "r10", "r11", "memory");
    return ret;
}

static int64_t do_fork(void)
{
    int fds[2];

    if (receive_fds(fds) || fds[1] < 0)
        return -9;
    /* The lower half of the scratch area is the child's; the sentry forks one thread at a time. */
    int64_t pid = clone_to(CLONE_FORK_FLAGS, STUB_SCRATCH + STUB_SCRATCH_SIZE / 2, fork_child,
                           (uint64_t)fds[0], (uint64_t)fds[1]);
    host_syscall(__NR_close, fds[0], 0, 0, 0);
    host_syscall(__NR_close, fds[1], 0, 0, 0);
    return pid;
}

static int64_t do_clone(struct slot *s)
{
    uint64_t slot = STUB_SLOTS + (s->clone_index % SLOTS_MAX) * SLOT_SIZE;

    return clone_to(CLONE_THREAD_FLAGS, slot + SLOT_IDLE_STACK, thread_main, slot, 0);
}

static void resume(struct slot *s, uint64_t frame)
{
    if (frame >= SLOT_SIZE)
        die(103);
    stub_resume((char *)s + frame, &s->interrupted);
    /* Interrupted before guest code was reached: the frame is whole, tell the sentry. */
    s->interrupted = 0;
    s->frame = frame;
    s->fs_base = read_fs_base();
    post(s, SEV_INTERRUPTED);
}

static void serve(struct slot *s)
{
    for (;;) {
        await(s);
        switch (s->cmd) {
        case CMD_RETURN: {
            struct stub_ucontext *uc = (void *)((char *)s + (s->resume_frame & (SLOT_SIZE - 1)));
            long err = s->has_out ? marshal_out(s) : 0;
            uc->mc.ax = (uint64_t)(err ? err : s->ret);
            resume(s, s->resume_frame);
            break;
        }
        case CMD_RESUME:
            if (s->nsegs && s->has_out)
                marshal_out(s);
            write_fs_base(s->set_fs_base);
            resume(s, s->resume_frame);
            break;
        case CMD_HOSTCALL:
            s->result = do_hostcall(s);
            post(s, SEV_DONE);
            break;
        case CMD_FORK:
            s->result = do_fork();
            post(s, SEV_DONE);
            break;
        case CMD_CLONE:
            s->result = do_clone(s);
            post(s, SEV_DONE);
            break;
        default:
            die(104);
        }
    }
}

/* --- host signals --- */
static int in_range(uint64_t ip, const char *begin, const char *end)
{
    return ip >= (uint64_t)begin && ip < (uint64_t)end;
}

/* Private futexes: the host's own queues, no round trip. True if the call was served. */
static int serve_futex(struct slot *s, struct stub_ucontext *uc)
{
    uint64_t op = uc->mc.si;

    if (!(op & FUTEX_PRIVATE_FLAG) || uc->mc.di >= STUB_TEXT)
        return 0;
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP:
        break;
    default:
        return 0;
    }
    uint64_t cmd = op & FUTEX_CMD_MASK;
    s->in_futex = cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET;
    long r =
        stub_futex(uc->mc.di, op, uc->mc.dx, uc->mc.r10, uc->mc.r8, uc->mc.r9, &s->interrupted);
    s->in_futex = 0;
    if (r == -4) { /* EINTR: the sentry decides between a handler and a restart */
        s->interrupted = 0;
        s->nr = __NR_futex;
        s->ip = uc->mc.ip;
        s->result = uc->mc.r10 ? 1 : 0; /* with a timeout */
        s->nsegs = 0;
        s->frame = (uint64_t)uc - (uint64_t)s;
        s->fs_base = read_fs_base();
        post(s, SEV_SYSCALL_INT);
        serve(s);
    }
    uc->mc.ax = (uint64_t)r;
    s->frame = (uint64_t)uc - (uint64_t)s;
    s->fs_base = read_fs_base();
    resume(s, s->frame);
    serve(s);
    return 1;
}

static void on_syscall(struct slot *s, struct stub_ucontext *uc, siginfo_t *info)
{
    uint64_t nr = (uint32_t)uc->mc.ax; /* Linux looks at the low half only */

    if (info->_sifields._sigsys._arch != 0xc000003e || (int32_t)nr < 0)
        nr = (uint64_t)-1; /* int 0x80 */
    if (nr == __NR_futex && serve_futex(s, uc))
        return;
    s->nr = nr;
    s->args[0] = uc->mc.di;
    s->args[1] = uc->mc.si;
    s->args[2] = uc->mc.dx;
    s->args[3] = uc->mc.r10;
    s->args[4] = uc->mc.r8;
    s->args[5] = uc->mc.r9;
    s->ip = uc->mc.ip;
    s->frame = (uint64_t)uc - (uint64_t)s;
    s->fs_base = read_fs_base();
    marshal_in(s);
    post(s, SEV_SYSCALL);
    serve(s);
}

static void on_fault(struct slot *s, struct stub_ucontext *uc, int sig, siginfo_t *info)
{
    s->signo = (uint32_t)sig;
    s->fault_code = (uint64_t)(int64_t)info->si_code;
    s->fault_addr = (uint64_t)info->_sifields._sigfault._addr;
    s->trapno = uc->mc.trapno;
    s->err = uc->mc.err;
    s->cr2 = uc->mc.cr2;
    s->ip = uc->mc.ip;
    s->nsegs = 0;
    s->frame = (uint64_t)uc - (uint64_t)s;
    s->fs_base = read_fs_base();
    post(s, SEV_FAULT);
    serve(s);
}

static void on_interrupt(struct slot *s, struct stub_ucontext *uc)
{
    uint64_t ip = uc->mc.ip;

    if (in_range(ip, stub_text_begin, stub_text_end)) {
        s->interrupted = 1;
        if (in_range(ip, stub_resume_begin, stub_resume_end))
            uc->mc.ip = (uint64_t)stub_resume_abort;
        else if (in_range(ip, stub_futex_begin, stub_futex_end))
            uc->mc.ip = (uint64_t)stub_futex_abort;
        return;
    }
    s->nsegs = 0;
    s->frame = (uint64_t)uc - (uint64_t)s;
    s->fs_base = read_fs_base();
    post(s, SEV_INTERRUPTED);
    serve(s);
}

static void handler(int sig, siginfo_t *info, void *context)
{
    struct stub_ucontext *uc = context;
    struct slot *s = slot_of(uc);
    uint64_t ip = uc->mc.ip;

    if (sig == STUB_SIG_INTERRUPT) {
        on_interrupt(s, uc);
    } else if (sig == SIGSYS) {
        on_syscall(s, uc, info);
    } else if (in_range(ip, stub_copy_begin, stub_copy_end)) {
        uc->mc.ip = (uint64_t)stub_copy_fault;
    } else if (in_range(ip, stub_strcopy_begin, stub_strcopy_end)) {
        uc->mc.ip = (uint64_t)stub_strcopy_fault;
    } else {
        on_fault(s, uc, sig, info);
    }
}

/* --- the zygote's start --- */
struct kernel_sigaction {
    void *handler;
    uint64_t flags;
    void *restorer;
    uint64_t mask;
};

static void install_handlers(void)
{
    static const uint8_t signals[] = {SIGSYS,  SIGSEGV,           SIGBUS, SIGFPE, SIGILL,
                                      SIGTRAP, STUB_SIG_INTERRUPT};

    for (unsigned int i = 0; i < sizeof(signals); i++) {
        struct kernel_sigaction sa = {
            .handler = (void *)handler,
            .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER,
            .restorer = (void *)stub_restorer,
            .mask = 0,
        };
        if (signals[i] != STUB_SIG_INTERRUPT)
            sa.flags |= SA_NODEFER;
        host_syscall(__NR_rt_sigaction, signals[i], &sa, 0, 8);
    }
}

static void move_vdso(const struct zygote_params *p, uint64_t vdso)
{
    /* The lowest piece goes to STUB_VDSO, so that all keep their distances. */
    int64_t lowest = 0;

    for (uint32_t i = 0; i < p->nmaps && i < HOST_VDSO_PIECES; i++)
        if (p->maps[i].delta < lowest)
            lowest = p->maps[i].delta;
    for (uint32_t i = 0; i < p->nmaps && i < HOST_VDSO_PIECES; i++)
        host_syscall6(__NR_mremap, (long)(vdso + (uint64_t)p->maps[i].delta), (long)p->maps[i].len,
                      (long)p->maps[i].len, MREMAP_MAYMOVE | MREMAP_FIXED,
                      (long)(STUB_VDSO + (uint64_t)(p->maps[i].delta - lowest)), 0);
}

static void apply_filter(const struct zygote_params *p)
{
    struct {
        uint16_t len;
        const void *filter;
    } prog = {(uint16_t)p->filter_len, p->filter};

    if (host_syscall6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) ||
        host_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog, 0))
        die(105);
}

static __attribute__((noreturn)) void zygote_main(void *arg)
{
    struct slot *s = (struct slot *)STUB_SLOTS;
    const struct zygote_params *p = (const struct zygote_params *)slot_window(s);

    if (arg)
        move_vdso(p, (uint64_t)arg);
    host_syscall(__NR_munmap, 0, STUB_TEXT, 0, 0);
    host_syscall(__NR_munmap, STUB_END, HOST_TASK_SIZE - STUB_END, 0, 0);
    host_syscall(__NR_close, STUB_FD_SHARED, 0, 0, 0);
    host_syscall(__NR_close, STUB_FD_SLOTS, 0, 0, 0);
    install_handlers();
    if (p->filter_len)
        apply_filter(p);
    thread_main(s);
}

__attribute__((noreturn)) void stub_main(uint64_t *sp);
void stub_main(uint64_t *sp)
{
    uint64_t *p = sp + 1 + sp[0] + 1; /* argc, argv, NULL */
    uint64_t vdso = 0;

    while (*p++)
        ; /* envp */
    for (; p[0] != AT_NULL; p += 2)
        if (p[0] == AT_SYSINFO_EHDR)
            vdso = p[1];
    long r = host_syscall6(__NR_mmap, STUB_SLOTS, SLOTS_SPAN, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED | MAP_NORESERVE, STUB_FD_SLOTS, 0);
    if (r < 0)
        die(106);
    r = host_syscall6(__NR_mmap, STUB_SHARED, 4096, PROT_READ, MAP_SHARED | MAP_FIXED,
                      STUB_FD_SHARED, 0);
    if (r < 0)
        die(107);
    r = host_syscall6(__NR_mmap, STUB_SCRATCH, STUB_SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
    if (r < 0)
        die(108);
    stub_on_stack((void *)(STUB_SCRATCH + STUB_SCRATCH_SIZE - 64), zygote_main, (void *)vdso);
}
