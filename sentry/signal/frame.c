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

static int push_fpstate(struct task *t, uint64_t *sp)
{
    char buf[FPSTATE_MAX];
    size_t size = platform->fpstate_size();
    struct {
        uint32_t magic1, extended_size;
        uint64_t xfeatures;
        uint32_t xstate_size, padding[7];
    } sw = {FP_XSTATE_MAGIC1, (uint32_t)size + 4, 0, (uint32_t)size, {0}};
    uint32_t magic2 = FP_XSTATE_MAGIC2;

    if (size + 4 > sizeof(buf) || platform->get_fpstate(t->thr, buf, size))
        return -EFAULT;
    /* The features that exist here: those of a state with everything in use. */
    sw.xfeatures = platform->xfeatures();
    memcpy(buf + FX_SW_OFFSET, &sw, sizeof(sw));
    memcpy(buf + size, &magic2, sizeof(magic2));
    *sp = (*sp - size - 4) & ~63UL;
    return copy_out(t, *sp, buf, size + 4);
}

int signal_push_frame(struct task *t, const siginfo_t *info, const struct ksigaction *a,
                      ksigset mask)
{
    struct user_regs_struct *r = task_regs(t);
    uint64_t sp = r->rsp - RED_ZONE;
    struct sigframe f = {.pretcode = a->restorer, .info = *info};
    ucontext_t uc;

    if ((a->flags & SA_ONSTACK) && !(t->sig.altstack.ss_flags & SS_DISABLE) &&
        !signal_on_altstack(t, r->rsp))
        sp = (uint64_t)t->sig.altstack.ss_sp + t->sig.altstack.ss_size;
    if (!(a->flags & 0x04000000 /* SA_RESTORER */) || push_fpstate(t, &sp))
        return -EFAULT;
    memset(&uc, 0, sizeof(uc));
    uc.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc.uc_stack = t->sig.altstack;
    greg_t *g = uc.uc_mcontext.gregs;
    const unsigned long long from[] = {r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13,
                                       r->r14, r->r15, r->rdi, r->rsi, r->rbp, r->rbx,
                                       r->rdx, r->rax, r->rcx, r->rsp, r->rip, r->eflags};
    for (size_t i = 0; i < ARRAY_SIZE(from); i++)
        g[i] = (greg_t)from[i];
    g[REG_CSGSFS] = 0x33 | 0x2bLL << 48;
    if (t->sig.fault_sig == info->si_signo) {
        g[REG_TRAPNO] = (greg_t)t->ev.trapno;
        g[REG_ERR] = (greg_t)t->ev.err;
        g[REG_CR2] = (greg_t)t->ev.cr2;
    }
    g[REG_OLDMASK] = (greg_t)mask;
    uc.uc_mcontext.fpregs = (fpregset_t)sp;
    memcpy(f.uc, &uc, offsetof(ucontext_t, uc_sigmask));
    memcpy(f.uc + offsetof(ucontext_t, uc_sigmask), &mask, sizeof(mask));
    sp = ((sp - sizeof(f)) & ~15UL) - 8;
    if (copy_out(t, sp, &f, sizeof(f)))
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

static int restore_fpstate(struct task *t, uint64_t addr)
{
    char buf[FPSTATE_MAX];
    size_t size = platform->fpstate_size();

    memset(buf, 0, sizeof(buf));
    if (!addr) {
        *(uint16_t *)buf = 0x37f;
        *(uint32_t *)(buf + 24) = 0x1f80;
        *(uint64_t *)(buf + XFEATURES_OFFSET) = 3;
        return platform->set_fpstate(t->thr, buf, size);
    }
    if (copy_in(t, buf, addr, 512))
        return -EFAULT;
    uint32_t magic1;
    memcpy(&magic1, buf + FX_SW_OFFSET, sizeof(magic1));
    if (magic1 != FP_XSTATE_MAGIC1) { /* a plain FXSAVE image */
        *(uint64_t *)(buf + XFEATURES_OFFSET) = 3;
    } else {
        if (copy_in(t, buf + 512, addr + 512, size - 512))
            return -EFAULT;
        *(uint64_t *)(buf + XFEATURES_OFFSET) &= platform->xfeatures();
        /* The standard format: no compaction, reserved bytes zero, or XRSTOR faults. */
        memset(buf + XFEATURES_OFFSET + 8, 0, 56);
    }
    *(uint32_t *)(buf + 24) &= 0xffff; /* reserved MXCSR bits */
    return platform->set_fpstate(t->thr, buf, size);
}

long sys_rt_sigreturn(struct task *t, const struct sysargs *a)
{
    struct user_regs_struct *r = task_regs(t);
    char raw[KERNEL_UC_SIZE];
    ucontext_t uc;
    ksigset mask;

    memset(&uc, 0, sizeof(uc));
    if (copy_in(t, raw, r->rsp, sizeof(raw)))
        goto bad;
    memcpy(&uc, raw, offsetof(ucontext_t, uc_sigmask));
    memcpy(&mask, raw + offsetof(ucontext_t, uc_sigmask), sizeof(mask));
    if (restore_fpstate(t, (uint64_t)uc.uc_mcontext.fpregs))
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
