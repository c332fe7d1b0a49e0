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
#include <stdbool.h>

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 16
#define MAP_ANONYMOUS 32
#define MAP_NORESERVE 0x4000
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#define SPIN_MIN                                                                                   \
    200 /* as long as a sleeping sentry takes to answer, or both would always sleep                \
         */
#define NR_NONE 0xffffffffUL
#define CPU_SEGMENT 0x7b
#define USER_CS 0x33
#define USER_DS 0x2b
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define YIELDS 40           /* take as long as spinning */
#define FLAGS_PLAIN 0xad7UL /* arithmetic, IF and the bit that is always set; not TF, AC, DF */
#define CLONE_THREAD_FLAGS 0x50f00 /* VM FS FILES SIGHAND THREAD SYSVSEM */
#define CLONE_FORK_FLAGS 0x8011    /* CLONE_PARENT | SIGCHLD */
#define PR_SET_NO_NEW_PRIVS 38
#define MSG_CMSG_CLOEXEC 0x40000000

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

static void write_gs_base(const void *p)
{
    __asm__ volatile("wrgsbase %0" : : "r"(p));
}

static struct slot *slot_of(const void *p)
{
    return (struct slot *)((uint64_t)p & ~(SLOT_SIZE - 1));
}

/* The limit of a segment that the kernel keeps for this, as in its vDSO. */
static uint32_t this_cpu(void)
{
    uint32_t v = CPU_SEGMENT;

    __asm__("lsl %1, %0" : "=r"(v) : "r"(v));
    return v & 0xfff;
}

static void post(struct slot *s, uint32_t event)
{
    uint64_t one = 1;

    s->event = event | (s->fast ? EVENT_FAST : 0) | s->nsegs << 16;
    if (!s->fast)
        s->cpu = this_cpu() + 1;
    __atomic_store_n(&s->post_seq, s->post_seq + 1, __ATOMIC_SEQ_CST);
    if (stub_shared()->sentry_sleeping)
        host_syscall(__NR_write, STUB_FD_DOORBELL, &one, 8, 0);
}

/* The sentry, or a thread that it has answered, has to get this processor first. */
static int give_way_for(struct slot *s, uint32_t want)
{
    for (int i = 0; i < YIELDS; i++) {
        host_syscall(__NR_sched_yield, 0, 0, 0, 0);
        if (__atomic_load_n(&s->cmd_seq, __ATOMIC_ACQUIRE) == want)
            return 1;
        if (__atomic_load_n(&s->waits, __ATOMIC_RELAXED) == want)
            return 0;
    }
    return 0;
}

/*
 * Spinning that was in vain makes the next one shorter, one that paid makes it longer. Threads that
 * spin on every processor would leave none to the sentry: one who comes late takes the place of
 * another, who then gives way at each look, which costs less than sleeping and being woken. A place
 * that was never given back, by a thread that was killed, is so taken as well.
 */
static int spin_for(struct slot *s, uint32_t want)
{
    uint32_t limit = stub_shared()->spin, spin = s->spin;
    uint32_t me = (uint32_t)(((uint64_t)s - STUB_SLOTS) / SLOT_SIZE);
    uint32_t *place = &((struct slot *)STUB_SLOTS)->spinner[me & stub_shared()->spinners_mask];

    if (spin < SPIN_MIN || spin > limit)
        spin = limit;
    if (*place != me)
        __atomic_store_n(place, me, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < spin; i++) {
        if (__atomic_load_n(&s->cmd_seq, __ATOMIC_ACQUIRE) == want) {
            s->spin = spin * 2;
            return 1;
        }
        if (__atomic_load_n(place, __ATOMIC_RELAXED) != me)
            return give_way_for(s, want);
        if (__atomic_load_n(&s->waits, __ATOMIC_RELAXED) == want)
            return 0;
        if (i == SPIN_MIN / 2) {
            s->cpu = this_cpu() + 1;
            if (stub_shared()->sentry_cpu == s->cpu)
                return stub_shared()->crowded ? give_way_for(s, want) : 0;
        }
        __builtin_ia32_pause();
    }
    s->spin = spin / 2 > SPIN_MIN ? spin / 2 : SPIN_MIN;
    return 0;
}

/* Waits until the sentry has answered the last post. */
static void await(struct slot *s)
{
    uint32_t want = s->post_seq;

    if (spin_for(s, want))
        return;
    for (;;) {
        __atomic_store_n(&s->sleeping, 1, __ATOMIC_SEQ_CST);
        uint32_t seen = __atomic_load_n(&s->cmd_seq, __ATOMIC_SEQ_CST);
        if (seen == want)
            break;
        host_syscall(__NR_futex, &s->cmd_seq, FUTEX_WAIT, seen, 0);
    }
    s->sleeping = 0;
}

/* Receives n descriptors sent by the sentry; they are always there before the command. */
static int receive_fds(int *fds, uint32_t n)
{
    struct {
        uint64_t len;
        int32_t level, type;
        int32_t fd[BATCH_FDS];
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
    if (r < 0 || m.controllen < 16 || c.len != 16 + 4 * (uint64_t)n)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        fds[i] = c.fd[i];
    return 0;
}

static __attribute__((noreturn)) void die(int code)
{
    for (;;)
        host_syscall(__NR_exit_group, code, 0, 0, 0);
}

static void serve(struct slot *s);

/* What stays the same in the frames that thunks make. */
static void init_made_frame(struct slot *s)
{
    struct stub_ucontext *uc = (void *)((char *)s + SLOT_MADE_FRAME);

    write_gs_base(s);
    slot_fast(s)->top = (uint64_t)(&uc->mc.flags + 1);
    uc->flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc->link = 0;
    uc->stack.sp = (uint64_t)s + SLOT_STACK;
    uc->stack.flags = 0;
    uc->stack.size = SLOT_STACK_SIZE;
    uc->mc.cs = USER_CS;
    uc->mc.ss = USER_DS;
    uc->sigmask = 0;
}

static __attribute__((noreturn)) void thread_main(void *arg)
{
    struct slot *s = arg;

    init_made_frame(s);
    post(s, SEV_READY);
    serve(s);
    die(101);
}

static int64_t do_hostcall(struct slot *s)
{
    int fds[1] = {-1};
    uint64_t a0 = s->hc_args[0], a4 = s->hc_args[4];
    uint32_t with = s->hc_fd;

    if (with != HC_NO_FD) {
        if (receive_fds(fds, 1))
            return -9; /* EBADF */
        if (with == HC_FD_KEEP)
            a0 = (uint64_t)fds[0];
        else
            a4 = (uint64_t)fds[0];
    }
    int64_t r = host_syscall6((long)s->hc_nr, (long)a0, (long)s->hc_args[1], (long)s->hc_args[2],
                              (long)s->hc_args[3], (long)a4, (long)s->hc_args[5]);
    if (with == HC_FD_KEEP)
        s->kept = fds[0];
    else if (with == HC_FD_ONCE)
        host_syscall(__NR_close, fds[0], 0, 0, 0);
    return r;
}

/* All of them, whatever one of them says. */
static int64_t do_batch(struct slot *s)
{
    struct slot_call *c = (struct slot_call *)slot_window(s);
    uint64_t n = s->hc_nr < BATCH_MAX ? s->hc_nr : BATCH_MAX;
    uint32_t nfds = s->hc_fd;
    int fds[BATCH_FDS];

    if (nfds > BATCH_FDS || (nfds && receive_fds(fds, nfds)))
        return -9;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t with = (uint32_t)(c[i].nr >> 32);
        uint64_t a4 = with && with <= nfds ? (uint64_t)fds[with - 1] : c[i].args[4];
        c[i].result =
            host_syscall6((long)(uint32_t)c[i].nr, (long)c[i].args[0], (long)c[i].args[1],
                          (long)c[i].args[2], (long)c[i].args[3], (long)a4, (long)c[i].args[5]);
    }
    for (uint32_t i = 0; i < nfds; i++)
        host_syscall(__NR_close, fds[i], 0, 0, 0);
    return 0;
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
    host_syscall(__NR_sendto, STUB_FD_CTL, &byte, 1, 0);
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

    if (receive_fds(fds, 2))
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

/* What is posted is about this frame. */
static void set_frame(struct slot *s, const struct stub_ucontext *uc)
{
    s->frame = (uint64_t)uc - (uint64_t)s;
    s->fs_base = read_fs_base();
    s->ip = uc->mc.ip;
}

/* Without the kernel, as long as the vector registers are where guest code wants them. */
static int can_leave(const struct slot *s, uint64_t frame, const struct stub_ucontext *uc)
{
    return s->fast && frame == SLOT_MADE_FRAME && !uc->mc.fpstate &&
           !(uc->mc.flags & ~FLAGS_PLAIN) && uc->mc.ip < STUB_TEXT;
}

static void resume(struct slot *s, uint64_t frame)
{
    if (frame >= SLOT_SIZE)
        die(103);
    const struct stub_ucontext *uc = (void *)((char *)s + frame);
    if (can_leave(s, frame, uc))
        stub_leave(&uc->mc);
    if (s->fast)
        save_vectors(s);
    stub_resume((char *)s + frame, &slot_fast(s)->interrupted);
    /* Interrupted before guest code was reached: the frame is whole, tell the sentry. */
    slot_fast(s)->interrupted = 0;
    set_frame(s, (void *)((char *)s + frame));
    post(s, SEV_INTERRUPTED);
}

/* Any command but CMD_RETURN. */
static void obey(struct slot *s)
{
    switch (s->cmd) {
    case CMD_RESUME:
        if (has_out(s))
            marshal_out(s);
        write_fs_base(s->set_fs_base);
        resume(s, s->resume_frame);
        return;
    case CMD_HOSTCALL:
        s->result = do_hostcall(s);
        break;
    case CMD_FORK:
        s->result = do_fork();
        break;
    case CMD_CLONE:
        s->result = do_clone(s);
        break;
    case CMD_BATCH:
        s->result = do_batch(s);
        break;
    case CMD_XSAVE:
        save_vectors(s);
        break;
    case CMD_COPY:
        s->result = (int64_t)(s->hc_args[2] - stub_copy((void *)s->hc_args[0],
                                                        (void *)s->hc_args[1], s->hc_args[2]));
        break;
    case CMD_FRAME:
        s->result = put_frame(s);
        break;
    case CMD_XRSTOR:
        s->result = load_vectors(s);
        break;
    default:
        die(104);
    }
    post(s, SEV_DONE);
}

static void serve(struct slot *s)
{
    for (;;) {
        await(s);
        if (s->cmd != CMD_RETURN) {
            obey(s);
            continue;
        }
        struct stub_ucontext *uc = (void *)((char *)s + (s->resume_frame & (SLOT_SIZE - 1)));
        long err = has_out(s) ? marshal_out(s) : 0;
        uc->mc.ax = (uint64_t)(err ? err : s->ret);
        resume(s, s->resume_frame);
    }
}

/* --- host signals --- */
static int in_range(uint64_t ip, const char *begin, const char *end)
{
    return ip >= (uint64_t)begin && ip < (uint64_t)end;
}

/* The sentry has to look at a call that was served here. */
static void post_served(struct slot *s, struct stub_ucontext *uc, uint64_t nr, enum served how)
{
    slot_fast(s)->interrupted = 0;
    s->nr = (uint32_t)nr;
    s->result = uc->mc.r10 ? 1 : 0; /* of a futex: with a timeout */
    s->nsegs = 0;
    set_frame(s, uc);
    post(s, how == SERVED_FUTEX ? SEV_SYSCALL_INT : SEV_SIGMASK);
}

/*
 * Buffers first: the sentry looks at the first line all the time, and each look between two writes
 * to it would cost as much as the whole handoff.
 */
static void put_call(struct slot *s, const struct stub_ucontext *uc, uint64_t nr)
{
    const uint64_t args[6] = {uc->mc.di, uc->mc.si, uc->mc.dx, uc->mc.r10, uc->mc.r8, uc->mc.r9};
    uint32_t dirs;

    set_frame(s, uc);
    s->nsegs = nr == __NR_rt_sigreturn ? marshal_frame(s, uc->mc.sp, &dirs)
                                       : marshal_in(s, nr, args, &dirs);
    s->nr = (uint32_t)nr;
    s->dirs = dirs;
    for (int i = 0; i < 6; i++)
        s->args[i] = args[i];
    post(s, SEV_SYSCALL);
}

/* Has the sentry put a thunk there while we slept? Then only it knows where to go on. */
static int site_changed(uint64_t ip)
{
    uint16_t insn = 0;

    return stub_copy(&insn, (void *)(ip - 2), 2) != 0 || insn != 0x050f;
}

/*
 * A futex call cannot be the sentry's, whose queues are others. It gets to see the site, and the
 * call is made again, at the latest then here.
 */
static void show_site(struct slot *s, struct stub_ucontext *uc)
{
    s->site_shown = uc->mc.ip;
    s->nr = __NR_futex;
    s->nsegs = 0;
    uc->mc.ip -= 2;
    set_frame(s, uc);
    post(s, SEV_SITE);
    serve(s);
}

static void on_syscall(struct slot *s, struct stub_ucontext *uc, siginfo_t *info)
{
    uint64_t nr = (uint32_t)uc->mc.ax; /* Linux looks at the low half only */
    long ret = 0;

    s->fast = 0;
    if (info->_sifields._sigsys._arch != 0xc000003e || (int32_t)nr < 0)
        nr = NR_NONE; /* int 0x80 */
    uint32_t shown = stub_shared()->traps_shown;
    bool show = shown && ++s->traps % shown == 0;
    if (nr == __NR_futex && show && s->site_shown != uc->mc.ip) {
        show_site(s, uc);
        return;
    }
    s->site_shown = 0;
    enum served how = show && nr != __NR_futex ? NOT_SERVED : serve_here(s, uc, nr, &ret);
    if (how == NOT_SERVED)
        put_call(s, uc, nr);
    else if (how != SERVED)
        post_served(s, uc, nr, how);
    if (how != SERVED)
        serve(s);
    slot_fast(s)->served++;
    uc->mc.ax = (uint64_t)ret;
    set_frame(s, uc);
    if (nr == __NR_futex && site_changed(uc->mc.ip))
        post(s, SEV_INTERRUPTED);
    else
        resume(s, s->frame);
    serve(s);
}

/* The way of thunks: the registers are in uc, the vector registers in the processor. */
long stub_fast_syscall(struct stub_ucontext *uc)
{
    struct slot *s = slot_of(uc);
    uint64_t nr = (uint32_t)uc->mc.ax;
    long ret;
    enum served how;

    s->fast = 1;
    uc->mc.fpstate = 0;
    if ((int32_t)nr < 0)
        nr = NR_NONE;
    how = serve_here(s, uc, nr, &ret);
    if (how == NOT_SERVED)
        put_call(s, uc, nr);
    else if (how != SERVED)
        post_served(s, uc, nr, how);
    if (how != SERVED) {
        for (await(s); s->cmd != CMD_RETURN; await(s))
            obey(s);
        ret = has_out(s) ? marshal_out(s) : 0;
        if (!ret)
            ret = s->ret;
    } else {
        slot_fast(s)->served++;
    }
    uc->mc.ax = (uint64_t)ret;
    uc->mc.r11 = uc->mc.flags;
    if (uc->mc.flags & ~FLAGS_PLAIN) {
        set_frame(s, uc);
        post(s, SEV_INTERRUPTED); /* rare flags come back through the sentry */
        serve(s);
    }
    return ret;
}

void stub_fast_interrupted(void)
{
    uint64_t gs;

    __asm__ volatile("rdgsbase %0" : "=r"(gs));
    struct slot *s = (struct slot *)gs;
    slot_fast(s)->interrupted = 0;
    set_frame(s, (void *)((char *)s + SLOT_MADE_FRAME));
    post(s, SEV_INTERRUPTED);
    serve(s);
    die(109);
}

static void on_fault(struct slot *s, struct stub_ucontext *uc, int sig, siginfo_t *info)
{
    s->signo = (uint32_t)sig;
    s->fault_code = (uint64_t)(int64_t)info->si_code;
    s->fault_addr = (uint64_t)info->_sifields._sigfault._addr;
    s->trapno = uc->mc.trapno;
    s->err = uc->mc.err;
    s->cr2 = uc->mc.cr2;
    s->nsegs = 0;
    s->fast = 0;
    set_frame(s, uc);
    post(s, SEV_FAULT);
    serve(s);
}

static void on_interrupt(struct slot *s, struct stub_ucontext *uc)
{
    uint64_t ip = uc->mc.ip;

    /* A vDSO may be the guest's call or, on the slot's stack, our own. */
    bool own_vdso = ip >= VDSO_PARAMS && ip < STUB_SCRATCH && uc->mc.sp >= STUB_TEXT;
    if (own_vdso || in_range(ip, stub_text_begin, stub_text_end)) {
        slot_fast(s)->interrupted = 1;
        if (in_range(ip, stub_resume_begin, stub_resume_end))
            uc->mc.ip = (uint64_t)stub_resume_abort;
        else if (in_range(ip, stub_fast_begin, stub_fast_end))
            uc->mc.ip = (uint64_t)stub_fast_abort;
        else if (in_range(ip, stub_leave_begin, stub_leave_end))
            uc->mc.ip = (uint64_t)stub_fast_abort;
        else if (in_range(ip, stub_futex_begin, stub_futex_end))
            uc->mc.ip = (uint64_t)stub_futex_abort;
        return;
    }
    s->nsegs = 0;
    s->fast = 0;
    set_frame(s, uc);
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
    } else if (in_range(ip, stub_copy8_begin, stub_copy8_end)) {
        uc->mc.ip = (uint64_t)stub_copy8_fault;
    } else if (in_range(ip, stub_zero_begin, stub_zero_end)) {
        uc->mc.ip = (uint64_t)stub_zero_fault;
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
    for (uint32_t i = 0; i < p->nmaps && i < HOST_VDSO_PIECES; i++)
        host_syscall6(__NR_mremap, (long)(vdso + (uint64_t)p->maps[i].delta), (long)p->maps[i].len,
                      (long)p->maps[i].len, MREMAP_MAYMOVE | MREMAP_FIXED,
                      (long)(p->vdso_base + (uint64_t)p->maps[i].delta), 0);
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
    host_syscall(__NR_close, STUB_FD_VDSO, 0, 0, 0);
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
    r = host_syscall6(__NR_mmap, VDSO_PARAMS, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, STUB_FD_VDSO,
                      0);
    if (r >= 0)
        r = host_syscall6(__NR_mmap, VDSO_IMAGE, VDSO_IMAGE_SIZE, PROT_READ | PROT_EXEC,
                          MAP_PRIVATE | MAP_FIXED, STUB_FD_VDSO, 4096);
    if (r < 0)
        die(109);
    r = host_syscall6(__NR_mmap, STUB_SCRATCH, STUB_SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
    if (r < 0)
        die(108);
    stub_on_stack((void *)(STUB_SCRATCH + STUB_SCRATCH_SIZE - 64), zygote_main, (void *)vdso);
}
