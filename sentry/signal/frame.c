/* Signal frames: arch/x86/kernel/signal_64.c's struct rt_sigframe, and rt_sigreturn(2). */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/signal/signal_internal.h"

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
#define FX_SW_OFFSET 464
#define XFEATURES_OFFSET 512
#define FPSTATE_MAX 12288
#define KERNEL_UC_SIZE 304
#define RED_ZONE 128
#define EFLAGS_FIXED 0x202
/* What user code may set in eflags: arithmetic flags, TF, DF, AC, ID. */
#define EFLAGS_USER 0x240dd5UL

struct sigframe {
    uint64_t pretcode;
    char uc[KERNEL_UC_SIZE];
    siginfo_t info;
};

/* A frame with its vector registers, or these alone. Between two parks nobody else uses them. */
static char whole[sizeof(struct sigframe) + 64 + FPSTATE_MAX];
_Alignas(8) static char fpstate[FPSTATE_MAX];

static int fill_fpstate(struct task *t, char *to, size_t size)
{
    struct {
        uint32_t magic1, extended_size;
        uint64_t xfeatures;
        uint32_t xstate_size, padding[7];
    } sw = {FP_XSTATE_MAGIC1, (uint32_t)size + 4, 0, (uint32_t)size, {0}};
    uint32_t magic2 = FP_XSTATE_MAGIC2;

    if (platform->get_fpstate(t->thr, to, size))
        return -EFAULT;
    /* The features that exist here: those of a state with everything in use. */
    sw.xfeatures = platform->xfeatures();
    memcpy(to + FX_SW_OFFSET, &sw, sizeof(sw));
    memcpy(to + size, &magic2, sizeof(magic2));
    return 0;
}

static int set_initial_fpstate(struct task *t)
{
    size_t size = platform->fpstate_size();

    if (size > sizeof(fpstate))
        return -EFAULT;
    memset(fpstate, 0, size);
    *(uint16_t *)fpstate = 0x37f;         /* FCW */
    *(uint32_t *)(fpstate + 24) = 0x1f80; /* MXCSR */
    *(uint64_t *)(fpstate + XFEATURES_OFFSET) = 3;
    return platform->set_fpstate(t->thr, fpstate, size);
}

static bool range_ok(uint64_t start, uint64_t end)
{
    return start < end && user_range_ok(start, end - start);
}

/* The vector registers are in their initial state after it. */
static int put_frame(struct task *t, uint64_t sp, const struct sigframe *f, uint64_t fp)
{
    size_t size = platform->fpstate_size();

    if (fill_fpstate(t, whole + (fp - sp), size)) /* parks before it writes */
        return -EFAULT;
    memcpy(whole, f, sizeof(*f));
    memset(whole + sizeof(*f), 0, fp - sp - sizeof(*f));
    if (copy_out(t, sp, whole, fp - sp + size + 4))
        return -EFAULT;
    return set_initial_fpstate(t);
}

static void fill_context(struct task *t, ucontext_t *uc, const siginfo_t *info, ksigset mask)
{
    const struct user_regs_struct *r = task_regs(t);
    const unsigned long long from[] = {r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13,
                                       r->r14, r->r15, r->rdi, r->rsi, r->rbp, r->rbx,
                                       r->rdx, r->rax, r->rcx, r->rsp, r->rip, r->eflags};
    greg_t *g = uc->uc_mcontext.gregs;

    memset(uc, 0, sizeof(*uc));
    uc->uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc->uc_stack = t->sig.altstack;
    for (size_t i = 0; i < ARRAY_SIZE(from); i++)
        g[i] = (greg_t)from[i];
    g[REG_CSGSFS] = 0x33 | 0x2bLL << 48;
    if (t->sig.fault_sig == info->si_signo) {
        g[REG_TRAPNO] = (greg_t)t->ev.trapno;
        g[REG_ERR] = (greg_t)t->ev.err;
        g[REG_CR2] = (greg_t)t->ev.cr2;
    }
    g[REG_OLDMASK] = (greg_t)mask;
}

int signal_push_frame(struct task *t, const siginfo_t *info, const struct ksigaction *a,
                      ksigset mask)
{
    struct user_regs_struct *r = task_regs(t);
    size_t size = platform->fpstate_size();
    uint64_t top = r->rsp - RED_ZONE;
    struct sigframe f = {.pretcode = a->restorer, .info = *info};
    ucontext_t uc;

    if ((a->flags & SA_ONSTACK) && !(t->sig.altstack.ss_flags & SS_DISABLE) &&
        !signal_on_altstack(t, r->rsp))
        top = (uint64_t)t->sig.altstack.ss_sp + t->sig.altstack.ss_size;
    if (!(a->flags & 0x04000000 /* SA_RESTORER */) || size + 4 > FPSTATE_MAX)
        return -EFAULT;
    uint64_t fp = (top - size - 4) & ~63UL, sp = ((fp - sizeof(f)) & ~15UL) - 8;
    fill_context(t, &uc, info, mask);
    uc.uc_mcontext.fpregs = (fpregset_t)fp;
    memcpy(f.uc, &uc, offsetof(ucontext_t, uc_sigmask));
    memcpy(f.uc + offsetof(ucontext_t, uc_sigmask), &mask, sizeof(mask));
    if (!range_ok(sp, fp + size + 4) ||
        ((!platform->push_frame || platform->push_frame(t->thr, sp, &f, sizeof(f), fp)) &&
         put_frame(t, sp, &f, fp)))
        return -EFAULT;
    if (t->sig.altstack.ss_flags & SS_AUTODISARM_K)
        t->sig.altstack = (stack_t){.ss_flags = SS_DISABLE};
    r->rdi = (unsigned)info->si_signo;
    r->rsi = sp + offsetof(struct sigframe, info);
    r->rdx = sp + offsetof(struct sigframe, uc);
    r->rax = 0;
    r->rsp = sp;
    r->rip = a->handler;
    r->eflags = EFLAGS_FIXED;
    return 0;
}

/* The standard format: no compaction, reserved bytes zero, or XRSTOR faults. */
static void xstate_clean(char *buf)
{
    memset(buf + XFEATURES_OFFSET + 8, 0, 56);
    *(uint32_t *)(buf + 24) &= 0xffff; /* reserved MXCSR bits */
}

/* buf holds len bytes of the state, at least 512. */
static int restore_fpstate(struct task *t, char *buf, size_t len)
{
    size_t size = platform->fpstate_size();
    uint32_t magic1;

    memcpy(&magic1, buf + FX_SW_OFFSET, sizeof(magic1));
    if (magic1 != FP_XSTATE_MAGIC1) { /* a plain FXSAVE image */
        memset(buf + 512, 0, size - 512);
        *(uint64_t *)(buf + XFEATURES_OFFSET) = 3;
    } else if (len < size) {
        return -EFAULT;
    } else {
        *(uint64_t *)(buf + XFEATURES_OFFSET) &= platform->xfeatures();
    }
    xstate_clean(buf);
    return platform->set_fpstate(t->thr, buf, size);
}

/* From where the frame says. */
static int fetch_fpstate(struct task *t, uint64_t addr)
{
    size_t size = platform->fpstate_size();

    if (size > sizeof(fpstate))
        return -EFAULT;
    if (!addr)
        return set_initial_fpstate(t);
    if (!copy_in(t, fpstate, addr, size))
        return restore_fpstate(t, fpstate, size);
    return copy_in(t, fpstate, addr, 512) ? -EFAULT : restore_fpstate(t, fpstate, 512);
}

long sys_rt_sigreturn(struct task *t, const struct sysargs *a)
{
    struct user_regs_struct *r = task_regs(t);
    uint64_t sp = r->rsp, fp;
    char frame[KERNEL_UC_SIZE];
    ucontext_t uc;
    ksigset mask;

    memset(&uc, 0, sizeof(uc));
    if (copy_in(t, frame, sp, sizeof(frame)))
        goto bad;
    memcpy(&uc, frame, offsetof(ucontext_t, uc_sigmask));
    memcpy(&mask, frame + offsetof(ucontext_t, uc_sigmask), sizeof(mask));
    fp = (uint64_t)uc.uc_mcontext.fpregs;
    if ((!platform->load_fpstate || platform->load_fpstate(t->thr, fp)) && fetch_fpstate(t, fp))
        goto bad;
    const greg_t *g = uc.uc_mcontext.gregs;
    unsigned long long *to[] = {&r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13,
                                &r->r14, &r->r15, &r->rdi, &r->rsi, &r->rbp, &r->rbx,
                                &r->rdx, &r->rax, &r->rcx, &r->rsp, &r->rip};
    for (size_t i = 0; i < ARRAY_SIZE(to); i++)
        *to[i] = (unsigned long long)g[i];
    r->eflags = ((unsigned long)g[REG_EFL] & EFLAGS_USER) | EFLAGS_FIXED;
    signal_set_blocked(t, mask);
    signal_set_altstack(t, uc.uc_stack, r->rsp); /* a bad one stays unset: restore_altstack() */
    task_regs_dirty(t);
    t->ev.kind = PE_INTERRUPTED; /* rax comes from the frame */
    return 0;
bad:;
    siginfo_t info;
    siginfo_kernel(&info, SIGSEGV);
    signal_force(t, &info);
    return 0;
}
