/* What a tracer asks about a stop: its signal, its call, its message; and the tracee's signals. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/signal/signal_internal.h"
#include "sentry/trace/trace_internal.h"

#define PEEK_MAX 1024 /* signals in one PTRACE_PEEKSIGINFO */

static long set_siginfo(struct task *by, struct task *t, uint64_t from)
{
    siginfo_t info;

    if (get_user(by, &info, from))
        return -EFAULT;
    if (!t->trace.has_info)
        return -EINVAL;
    t->trace.info = info;
    return 0;
}

static long peek_siginfo(struct task *by, struct task *t, uint64_t args_at, uint64_t to)
{
    struct ptrace_peeksiginfo_args args;
    struct sigqueue *q;
    uint64_t i = 0;
    int n = 0;

    if (get_user(by, &args, args_at))
        return -EFAULT;
    if ((args.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED) || args.nr < 0)
        return -EINVAL;
    struct sigpending *p =
        args.flags & PTRACE_PEEKSIGINFO_SHARED ? &t->tg->sig.pending : &t->sig.pending;
    list_for_each(q, &p->queue, node) {
        if (i++ < args.off)
            continue;
        if (n >= MIN(args.nr, PEEK_MAX))
            break;
        if (put_user(by, &q->info, to + (uint64_t)n * sizeof(q->info)))
            return n ? n : -EFAULT;
        n++;
    }
    return n;
}

static long signal_mask(struct task *by, struct task *t, uint64_t size, uint64_t at, bool set)
{
    ksigset mask = t->sig.restore_saved ? t->sig.saved_blocked : t->sig.blocked;

    if (size != sizeof(mask))
        return -EINVAL;
    if (!set)
        return put_user(by, &mask, at);
    if (get_user(by, &mask, at))
        return -EFAULT;
    t->sig.restore_saved = false;
    signal_set_blocked(t, mask);
    return 0;
}

static size_t fill_call(struct task *t, struct ptrace_syscall_info *s)
{
    const struct user_regs_struct *r = &t->regs;
    const uint64_t args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    int code = t->trace.has_info ? t->trace.info.si_code : 0;

    s->arch = AUDIT_ARCH_X86_64;
    s->instruction_pointer = r->rip;
    s->stack_pointer = r->rsp;
    if (code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
        s->op = PTRACE_SYSCALL_INFO_SECCOMP;
        s->seccomp.nr = r->orig_rax;
        memcpy(s->seccomp.args, args, sizeof(args));
        s->seccomp.ret_data = (uint32_t)t->trace.message;
        return offsetof(struct ptrace_syscall_info, seccomp.ret_data) + 4;
    }
    if (code == (SIGTRAP | 0x80) && t->trace.message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
        s->op = PTRACE_SYSCALL_INFO_ENTRY;
        s->entry.nr = r->orig_rax;
        memcpy(s->entry.args, args, sizeof(args));
        return offsetof(struct ptrace_syscall_info, entry.args) + sizeof(args);
    }
    if (code == (SIGTRAP | 0x80) && t->trace.message == PTRACE_EVENTMSG_SYSCALL_EXIT) {
        s->op = PTRACE_SYSCALL_INFO_EXIT;
        s->exit.rval = (int64_t)r->rax;
        s->exit.is_error = (int64_t)r->rax < 0 && (int64_t)r->rax >= -4095;
        return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
    }
    s->op = PTRACE_SYSCALL_INFO_NONE;
    return offsetof(struct ptrace_syscall_info, entry);
}

static long call_info(struct task *by, struct task *t, uint64_t size, uint64_t to)
{
    struct ptrace_syscall_info s;

    memset(&s, 0, sizeof(s));
    size_t n = fill_call(t, &s);
    return copy_out(by, to, &s, MIN(n, size)) ? -EFAULT : (long)n;
}

static long rseq_info(struct task *by, struct task *t, uint64_t size, uint64_t to)
{
    const struct ptrace_rseq_configuration conf = {.rseq_abi_pointer = t->rseq,
                                                   .rseq_abi_size = t->rseq ? t->rseq_len : 0,
                                                   .signature = t->rseq ? t->rseq_sig : 0};

    return copy_out(by, to, &conf, MIN(size, sizeof(conf))) ? -EFAULT : (long)sizeof(conf);
}

long trace_info_request(struct task *by, struct task *t, long request, uint64_t addr, uint64_t data)
{
    switch (request) {
    case PTRACE_GETEVENTMSG:
        return put_user(by, &t->trace.message, data);
    case PTRACE_GETSIGINFO:
        return t->trace.has_info ? put_user(by, &t->trace.info, data) : -EINVAL;
    case PTRACE_SETSIGINFO:
        return set_siginfo(by, t, data);
    case PTRACE_PEEKSIGINFO:
        return peek_siginfo(by, t, addr, data);
    case PTRACE_GETSIGMASK:
        return signal_mask(by, t, addr, data, false);
    case PTRACE_SETSIGMASK:
        return signal_mask(by, t, addr, data, true);
    case PTRACE_GET_SYSCALL_INFO:
        return call_info(by, t, addr, data);
    case PTRACE_GET_RSEQ_CONFIGURATION:
        return rseq_info(by, t, addr, data);
    default:
        return -ENOSYS;
    }
}
