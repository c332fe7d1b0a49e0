/*
 * The stub: host signal handlers that turn what guest code does into events in its slot, and a
 * server for the sentry's commands. It trusts nothing and protects nothing: the guest can overwrite
 * or jump into all of it. What it may do to the host is bounded by the seccomp filter alone.
 */
#include "platform/trap/stub/stub.h"

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/unistd.h>
#include <linux/futex.h>
#include <stdbool.h>

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

void die(int code)
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

void thread_main(void *arg)
{
    struct slot *s = arg;

    init_made_frame(s);
    post(s, SEV_READY);
    serve(s);
    die(101);
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
    s->result = s->futex_timeout;
    if (s->futex_requeues != ((struct slot *)STUB_SLOTS)->requeues)
        s->result |= WAIT_REQUEUED;
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
        else if (in_range(ip, stub_fast_begin, stub_fast_end) ||
                 in_range(ip, stub_leave_begin, stub_leave_end))
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

void stub_handler(int sig, siginfo_t *info, void *context)
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
