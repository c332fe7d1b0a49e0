/*
 * Registers as a tracer sees and sets them: arch/x86/kernel/ptrace.c. While a task is in a stop
 * t->regs holds them with orig_rax and rax as Linux has them: the call at hand and its result, or
 * -1 when there is none. There are no debug registers: hardware breakpoints are all in use.
 */
#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <linux/ptrace.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/trace/trace_internal.h"

#define EFLAGS_SETTABLE 0x250dd5UL /* FLAG_MASK */
#define EFLAGS_FIXED 0x202UL
#define FX_SIZE 512U
#define MXCSR_AT 24
#define XCR0_AT 464 /* where software finds which state there is: XSTATE_FX_SW */
#define XHEADER_AT 512
#define MXCSR_RESERVED 0xffff0000U
#define USER_SIZE (sizeof(struct user) + 16) /* the kernel has two words more */
#define DR6_RESERVED 0xffff0ff0UL

void trace_show_regs(struct task *t)
{
    struct user_regs_struct *r = task_regs(t);
    bool entry = t->trace.kind == TRACE_ENTRY || t->trace.kind == TRACE_SECCOMP;

    r->orig_rax = (unsigned long long)-1;
    if (t->ev.kind != PE_SYSCALL)
        return;
    r->orig_rax = (unsigned long long)t->sys.nr;
    r->rax = entry ? (unsigned long long)-ENOSYS : (unsigned long long)t->sys_result;
}

void trace_take_regs(struct task *t)
{
    struct user_regs_struct *r = &t->regs;
    const unsigned long args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    bool entry = t->trace.kind == TRACE_ENTRY || t->trace.kind == TRACE_SECCOMP;

    task_regs_dirty(t);
    if (entry) {
        t->sys.nr = (int)r->orig_rax;
        memcpy(t->sys.arg, args, sizeof(args));
    } else if ((int)r->orig_rax >= 0) { /* an interrupted call may be made again */
        t->ev.kind = PE_SYSCALL;
        t->sys.nr = (int)r->orig_rax;
        t->sys_result = (long)r->rax;
    } else {
        t->ev.kind = PE_INTERRUPTED;
    }
}

/* --- general registers --- */
static int check_reg(size_t at, uint64_t v)
{
    switch (at) {
    case offsetof(struct user_regs_struct, cs):
    case offsetof(struct user_regs_struct, ss):
        return (v & 3) == 3 && v <= 0xffff ? 0 : -EIO;
    case offsetof(struct user_regs_struct, ds):
    case offsetof(struct user_regs_struct, es):
    case offsetof(struct user_regs_struct, fs):
    case offsetof(struct user_regs_struct, gs):
        return (!v || (v & 3) == 3) && v <= 0xffff ? 0 : -EIO;
    case offsetof(struct user_regs_struct, fs_base):
    case offsetof(struct user_regs_struct, gs_base):
        return v < NV_TASK_SIZE ? 0 : -EIO;
    default:
        return 0;
    }
}

/* Selectors and the base of %gs are the platform's. */
static bool is_kept(size_t at)
{
    switch (at) {
    case offsetof(struct user_regs_struct, cs):
    case offsetof(struct user_regs_struct, ss):
    case offsetof(struct user_regs_struct, ds):
    case offsetof(struct user_regs_struct, es):
    case offsetof(struct user_regs_struct, fs):
    case offsetof(struct user_regs_struct, gs):
    case offsetof(struct user_regs_struct, gs_base):
        return true;
    default:
        return false;
    }
}

static int put_reg(struct task *t, size_t at, uint64_t v)
{
    int err = check_reg(at, v);

    if (err)
        return err;
    t->trace.regs_changed = true;
    if (at == offsetof(struct user_regs_struct, eflags))
        v = (v & EFLAGS_SETTABLE) | EFLAGS_FIXED;
    if (!is_kept(at))
        memcpy((char *)&t->regs + at, &v, sizeof(v));
    return 0;
}

static long set_regs(struct task *t, const void *from, size_t len)
{
    for (size_t at = 0; at + 8 <= len; at += 8) {
        uint64_t v;
        memcpy(&v, (const char *)from + at, sizeof(v));
        int err = put_reg(t, at, v);
        if (err)
            return err;
    }
    return 0;
}

static long peek_user(struct task *by, struct task *t, uint64_t at, uint64_t to)
{
    uint64_t v = 0;

    if (at & 7 || at >= USER_SIZE)
        return -EIO;
    if (at < sizeof(t->regs))
        memcpy(&v, (char *)&t->regs + at, sizeof(v));
    else if (at == offsetof(struct user, u_debugreg[6]))
        v = DR6_RESERVED;
    return put_user(by, &v, to);
}

static long poke_user(struct task *t, uint64_t at, uint64_t v)
{
    const uint64_t dr = offsetof(struct user, u_debugreg);

    if (at & 7 || at >= USER_SIZE)
        return -EIO;
    if (at < sizeof(t->regs))
        return put_reg(t, at, v);
    if (at < dr || at >= dr + 8 * 8 || at == dr + 4 * 8 || at == dr + 5 * 8)
        return -EIO;
    return v && at != dr + 6 * 8 ? -ENOSPC : 0;
}

/* --- vector registers --- */
int trace_vectors(struct task *t, char *buf, size_t size)
{
    uint64_t xcr0 = platform->xfeatures();
    int err = 0;

    if (t->thr)
        err = platform->get_fpstate(t->thr, buf, size);
    else
        memcpy(buf, t->fpstate, size);
    memset(buf + XCR0_AT, 0, FX_SIZE - XCR0_AT);
    memcpy(buf + XCR0_AT, &xcr0, sizeof(xcr0));
    return err;
}

static int store_xstate(struct task *t, const char *buf, size_t size)
{
    if (t->thr)
        return platform->set_fpstate(t->thr, buf, size);
    memcpy(t->fpstate, buf, size);
    return 0;
}

static bool xstate_valid(const char *buf)
{
    static const char zeros[48];
    uint32_t mxcsr;
    uint64_t header[2];

    memcpy(&mxcsr, buf + MXCSR_AT, sizeof(mxcsr));
    memcpy(header, buf + XHEADER_AT, sizeof(header));
    return !(mxcsr & MXCSR_RESERVED) && !(header[0] & ~platform->xfeatures()) && !header[1] &&
           !memcmp(buf + XHEADER_AT + 16, zeros, sizeof(zeros));
}

static long get_vectors(struct task *by, struct task *t, uint64_t to, size_t len, size_t whole)
{
    size_t size = platform->fpstate_size();
    cleanup_free char *buf = aligned_alloc(64, ROUND_UP(size, 64));

    if (!buf)
        return -ENOMEM;
    int err = trace_vectors(t, buf, size);
    if (err)
        return -ESRCH;
    return copy_out(by, to, buf, MIN(len, MIN(size, whole))) ? -EFAULT : 0;
}

/* whole: of the set that is meant, FXSAVE's or all of it. */
static long set_vectors(struct task *by, struct task *t, uint64_t from, size_t len, size_t whole)
{
    size_t size = platform->fpstate_size();
    cleanup_free char *buf = aligned_alloc(64, ROUND_UP(size, 64));

    if (!buf)
        return -ENOMEM;
    if (whole > FX_SIZE && len != size)
        return -EFAULT; /* cppcheck-suppress memleak ; freed by its attribute */
    int err = trace_vectors(t, buf, size);
    if (err)
        return -ESRCH;
    if (copy_in(by, buf, from, MIN(len, MIN(size, whole))))
        return -EFAULT;
    if (whole <= FX_SIZE)
        *(uint64_t *)(buf + XHEADER_AT) |= 3;
    if (!xstate_valid(buf))
        return -EINVAL;
    return store_xstate(t, buf, size);
}

/* --- sets --- */
static size_t set_size(uint64_t type)
{
    switch (type) {
    case NT_PRSTATUS:
        return sizeof(struct user_regs_struct);
    case NT_PRFPREG:
        return FX_SIZE;
    case NT_X86_XSTATE:
        return platform->fpstate_size();
    default:
        return 0;
    }
}

static long regset(struct task *by, struct task *t, uint64_t type, uint64_t at, bool set)
{
    struct iovec iov;
    size_t size = set_size(type);
    long r;

    if (get_user(by, &iov, at))
        return -EFAULT;
    if (!size || iov.iov_len % 8)
        return -EINVAL;
    iov.iov_len = MIN(iov.iov_len, size);
    if (type != NT_PRSTATUS) {
        r = set ? set_vectors(by, t, (uint64_t)iov.iov_base, iov.iov_len, size)
                : get_vectors(by, t, (uint64_t)iov.iov_base, iov.iov_len, size);
    } else if (set) {
        struct user_regs_struct regs;
        r = copy_in(by, &regs, (uint64_t)iov.iov_base, iov.iov_len)
                ? -EFAULT
                : set_regs(t, &regs, iov.iov_len);
    } else {
        r = copy_out(by, (uint64_t)iov.iov_base, &t->regs, iov.iov_len) ? -EFAULT : 0;
    }
    if (r)
        return r;
    return put_user(by, &iov.iov_len, at + offsetof(struct iovec, iov_len));
}

static long arch_prctl_of(struct task *by, struct task *t, uint64_t value, uint64_t code)
{
    switch (code) {
    case ARCH_GET_FS:
        return put_user(by, &t->regs.fs_base, value);
    case ARCH_SET_FS:
        return put_reg(t, offsetof(struct user_regs_struct, fs_base), value) ? -EPERM : 0;
    case ARCH_GET_GS:
        return put_user(by, &t->regs.gs_base, value);
    default:
        return -EINVAL;
    }
}

long trace_regs_request(struct task *by, struct task *t, long request, uint64_t addr, uint64_t data)
{
    struct user_regs_struct regs;

    switch (request) {
    case PTRACE_PEEKUSR:
        return peek_user(by, t, addr, data);
    case PTRACE_POKEUSR:
        return poke_user(t, addr, data);
    case PTRACE_GETREGS:
        return put_user(by, &t->regs, data);
    case PTRACE_SETREGS:
        return get_user(by, &regs, data) ? -EFAULT : set_regs(t, &regs, sizeof(regs));
    case PTRACE_GETFPREGS:
        return get_vectors(by, t, data, FX_SIZE, FX_SIZE);
    case PTRACE_SETFPREGS:
        return set_vectors(by, t, data, FX_SIZE, FX_SIZE);
    case PTRACE_GETREGSET:
        return regset(by, t, addr, data, false);
    case PTRACE_SETREGSET:
        return regset(by, t, addr, data, true);
    case PTRACE_ARCH_PRCTL:
        return arch_prctl_of(by, t, addr, data);
    default:
        return -EIO;
    }
}
