/*
 * Registers of a parked thread: they are in the signal frame that the host kernel has put on the
 * slot's stack. Frame offsets come from the guest and were bounds-checked when the event was read;
 * the contents need no checks, because the host kernel makes them on sigreturn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/macros.h"
#include "platform/trap/trap.h"
#include "platform/xstate.h"

#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
#define UC_FP_XSTATE 1
#define FX_SW_OFFSET 464 /* sw_reserved in the FXSAVE area */
#define XFEATURE_HEADER 512
/* The kernel's struct ucontext ends with an 8-byte sigmask; libc's type is longer. */
#define KERNEL_UCONTEXT_SIZE (offsetof(ucontext_t, uc_sigmask) + 8)

struct fx_sw_bytes {
    uint32_t magic1, extended_size;
    uint64_t xfeatures;
    uint32_t xstate_size, padding[7];
};

static ucontext_t *frame_uc(const struct gthread *thr)
{
    return (ucontext_t *)((char *)thr->slot + thr->frame);
}

/* Read when it is wanted: it lies in a line that plain calls do not touch. */
uint64_t frame_fs_base(struct gthread *thr)
{
    if (!thr->fs_known)
        thr->fs_base = *(volatile uint64_t *)&thr->slot->fs_base;
    thr->fs_known = true;
    return thr->fs_base;
}

int frame_get_regs(struct gthread *thr, struct user_regs_struct *regs)
{
    const greg_t *g = frame_uc(thr)->uc_mcontext.gregs;

    *regs = (struct user_regs_struct){
        .r15 = (uint64_t)g[REG_R15],
        .r14 = (uint64_t)g[REG_R14],
        .r13 = (uint64_t)g[REG_R13],
        .r12 = (uint64_t)g[REG_R12],
        .rbp = (uint64_t)g[REG_RBP],
        .rbx = (uint64_t)g[REG_RBX],
        .r11 = (uint64_t)g[REG_R11],
        .r10 = (uint64_t)g[REG_R10],
        .r9 = (uint64_t)g[REG_R9],
        .r8 = (uint64_t)g[REG_R8],
        .rax = (uint64_t)g[REG_RAX],
        .rcx = (uint64_t)g[REG_RCX],
        .rdx = (uint64_t)g[REG_RDX],
        .rsi = (uint64_t)g[REG_RSI],
        .rdi = (uint64_t)g[REG_RDI],
        .orig_rax = (uint64_t)thr->nr,
        .rip = (uint64_t)g[REG_RIP],
        .cs = (uint16_t)g[REG_CSGSFS],
        .eflags = (uint64_t)g[REG_EFL],
        .rsp = (uint64_t)g[REG_RSP],
        .ss = 0x2b,
        .fs_base = frame_fs_base(thr),
    };
    if (thr->fast)
        regs->r11 = regs->eflags; /* as after a system call; the thunk has its way back there */
    return 0;
}

int frame_set_regs(struct gthread *thr, const struct user_regs_struct *regs)
{
    greg_t *g = frame_uc(thr)->uc_mcontext.gregs;

    g[REG_R15] = (greg_t)regs->r15;
    g[REG_R14] = (greg_t)regs->r14;
    g[REG_R13] = (greg_t)regs->r13;
    g[REG_R12] = (greg_t)regs->r12;
    g[REG_RBP] = (greg_t)regs->rbp;
    g[REG_RBX] = (greg_t)regs->rbx;
    g[REG_R11] = (greg_t)regs->r11;
    g[REG_R10] = (greg_t)regs->r10;
    g[REG_R9] = (greg_t)regs->r9;
    g[REG_R8] = (greg_t)regs->r8;
    g[REG_RAX] = (greg_t)regs->rax;
    g[REG_RCX] = (greg_t)regs->rcx;
    g[REG_RDX] = (greg_t)regs->rdx;
    g[REG_RSI] = (greg_t)regs->rsi;
    g[REG_RDI] = (greg_t)regs->rdi;
    g[REG_RIP] = (greg_t)regs->rip;
    g[REG_EFL] = (greg_t)regs->eflags;
    g[REG_RSP] = (greg_t)regs->rsp;
    /* fs_base is not part of a frame: the stub loads it. gs is the stub's own, 0 to the guest. */
    thr->fs_base = regs->fs_base;
    thr->nr = (int)regs->orig_rax;
    thr->fs_known = true;
    thr->regs_set = true;
    return 0;
}

uint64_t frame_ip(const struct gthread *thr)
{
    return (uint64_t)frame_uc(thr)->uc_mcontext.gregs[REG_RIP];
}

uint64_t frame_flags(const struct gthread *thr)
{
    return (uint64_t)frame_uc(thr)->uc_mcontext.gregs[REG_EFL];
}

void frame_set_ip(struct gthread *thr, uint64_t ip)
{
    frame_uc(thr)->uc_mcontext.gregs[REG_RIP] = (greg_t)ip;
}

void frame_set_ax(struct gthread *thr, long value)
{
    frame_uc(thr)->uc_mcontext.gregs[REG_RAX] = value;
}

/* The FP area of the frame as an offset in the slot, or 0 when there is none (initial state). */
static uint64_t fpstate_offset(const struct gthread *thr, size_t size)
{
    uint64_t p = (uint64_t)frame_uc(thr)->uc_mcontext.fpregs;
    uint64_t off = p - slot_guest_addr(thr);

    return p && off >= SLOT_STACK && off <= SLOT_SIZE - size ? off : 0;
}

static void fpstate_initial(char *buf, size_t size)
{
    memset(buf, 0, size);
    *(uint16_t *)buf = 0x37f;         /* FCW */
    *(uint32_t *)(buf + 24) = 0x1f80; /* MXCSR */
    if (size >= XFEATURE_HEADER + 64)
        *(uint64_t *)(buf + XFEATURE_HEADER) = 3;
}

/* A thunk's frame gets its vector registers when they are asked for. */
static int fetch_fpstate(struct gthread *thr)
{
    if (!thr->fast || frame_uc(thr)->uc_mcontext.fpregs)
        return 0;
    trap_send(thr, CMD_XSAVE);
    return trap_wait(thr);
}

int frame_get_fpstate(struct gthread *thr, void *buf, size_t size)
{
    if (size < xstate_size())
        return -EINVAL;
    size = xstate_size();
    int err = fetch_fpstate(thr);
    if (err)
        return err;
    uint64_t off = fpstate_offset(thr, size);
    if (!off)
        fpstate_initial(buf, size);
    else
        memcpy(buf, (char *)thr->slot + off, size);
    return 0;
}

/* A frame without an FP area gets one above itself: frames we made leave room there. */

int frame_set_fpstate(struct gthread *thr, const void *buf, size_t size)
{
    size_t want = xstate_size();

    if (size < want || want > 0x2f00)
        return -EINVAL;
    uint64_t off = fpstate_offset(thr, want + 4);
    if (!off) {
        if (thr->frame + KERNEL_UCONTEXT_SIZE > SLOT_MADE_FP)
            return -EINVAL;
        off = SLOT_MADE_FP;
    }
    char *area = (char *)thr->slot + off;
    struct fx_sw_bytes sw = {.magic1 = FP_XSTATE_MAGIC1,
                             .extended_size = (uint32_t)want + 4,
                             .xfeatures = xstate_features(),
                             .xstate_size = (uint32_t)want};
    uint32_t magic2 = FP_XSTATE_MAGIC2;

    memcpy(area, buf, want);
    memcpy(area + FX_SW_OFFSET, &sw, sizeof(sw));
    memcpy(area + want, &magic2, sizeof(magic2));
    frame_uc(thr)->uc_mcontext.fpregs = (fpregset_t)(slot_guest_addr(thr) + off);
    frame_uc(thr)->uc_flags |= UC_FP_XSTATE;
    thr->regs_set = true;
    return 0;
}

/* Only a thunk's frame leaves the vector registers in the processor, where the stub has them. */
static int frame_command(struct gthread *thr, uint32_t cmd, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t args[] = {a, b, c};

    for (int i = 0; i < 3; i++)
        thr->slot->hc_args[i] = args[i];
    trap_send(thr, cmd);
    int err = trap_wait(thr);
    return err ? err : thr->slot->result ? -EFAULT : 0;
}

int frame_push(struct gthread *thr, uint64_t sp, const void *head, size_t len, uint64_t fp)
{
    if (!thr->fast || len > SLOT_HEAD_SIZE)
        return -EAGAIN;
    for (unsigned int i = 0; i < thr->nsegs; i++)
        if (thr->segs[i].off + thr->segs[i].len > SLOT_HEAD)
            return -EAGAIN;
    memcpy((char *)thr->slot + SLOT_HEAD, head, len);
    return frame_command(thr, CMD_FRAME, sp, len, fp);
}

int frame_load_fpstate(struct gthread *thr, uint64_t addr)
{
    return thr->fast ? frame_command(thr, CMD_XRSTOR, addr, 0, 0) : -EAGAIN;
}

static void frame_set_altstack(struct gthread *thr)
{
    ucontext_t *uc = frame_uc(thr);

    uc->uc_stack.ss_sp = (void *)(slot_guest_addr(thr) + SLOT_STACK);
    uc->uc_stack.ss_flags = 0;
    uc->uc_stack.ss_size = SLOT_STACK_SIZE;
    memset(&uc->uc_sigmask, 0, 8);
}

void frame_init(struct gthread *thr)
{
    thr->frame = SLOT_MADE_FRAME;
    thr->fast = false;
    thr->slot->fast = 0;
    ucontext_t *uc = frame_uc(thr);

    memset(uc, 0, KERNEL_UCONTEXT_SIZE);
    greg_t *g = uc->uc_mcontext.gregs;
    g[REG_CSGSFS] = 0x33 | 0x2bLL << 48;
    g[REG_EFL] = 0x202;
    frame_set_altstack(thr);
    thr->fs_base = 0;
    thr->fs_known = true;
    thr->nr = -1;
    thr->in_syscall = false;
    thr->regs_set = true;
}

int frame_copy(struct gthread *thr, struct gthread *parent)
{
    size_t size = xstate_size();
    int err = fetch_fpstate(parent);
    uint64_t off = err ? 0 : fpstate_offset(parent, size);

    if (err)
        return err;
    frame_init(thr);
    ucontext_t *uc = frame_uc(thr);
    memcpy(uc, frame_uc(parent), KERNEL_UCONTEXT_SIZE);
    uc->uc_flags = 0;
    uc->uc_mcontext.fpregs = NULL;
    frame_set_altstack(thr);
    thr->fs_base = frame_fs_base(parent);
    thr->fs_known = true;
    thr->nr = parent->nr;
    if (!off)
        return 0;
    char *fp = malloc(size);
    if (!fp)
        return -ENOMEM;
    memcpy(fp, (char *)parent->slot + off, size);
    err = frame_set_fpstate(thr, fp, size);
    free(fp);
    return err;
}
