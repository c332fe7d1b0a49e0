/*
 * Calls that the program wants to make itself: PR_SET_SYSCALL_USER_DISPATCH of prctl(2). Those from
 * outside a range of code are SIGSYS, unless a byte in its memory lets them pass. It is of one
 * thread, and ends with exec.
 */
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"

#define SYS_USER_DISPATCH_CODE 2

static bool end_with(struct task *t, int sig)
{
    tg_exit(t->tg, sig);
    t->sys_result = t->sys.nr;
    return false;
}

bool user_dispatch_allows(struct task *t)
{
    uint64_t ip = task_regs(t)->rip;
    uint8_t state = SYSCALL_DISPATCH_FILTER_BLOCK;
    siginfo_t info;

    if (ip - t->dispatch.start < t->dispatch.len)
        return true;
    if (t->dispatch.selector && get_user(t, &state, t->dispatch.selector))
        return end_with(t, SIGSEGV);
    if (state == SYSCALL_DISPATCH_FILTER_ALLOW)
        return true;
    if (state != SYSCALL_DISPATCH_FILTER_BLOCK)
        return end_with(t, SIGSYS);
    memset(&info, 0, sizeof(info));
    info.si_signo = SIGSYS;
    info.si_code = SYS_USER_DISPATCH_CODE;
    info.si_call_addr = (void *)ip;
    info.si_syscall = (int)t->sys.nr;
    info.si_arch = AUDIT_ARCH_X86_64;
    signal_force(t, &info);
    t->sys_result = t->sys.nr; /* its number is in rax again */
    return false;
}

long user_dispatch_set(struct task *t, uint64_t mode, uint64_t start, uint64_t len,
                       uint64_t selector)
{
    if (mode != PR_SYS_DISPATCH_OFF && mode != PR_SYS_DISPATCH_ON)
        return -EINVAL;
    if (mode == PR_SYS_DISPATCH_OFF ? start || len || selector : start && start + len <= start)
        return -EINVAL;
    if (selector >= NV_TASK_SIZE)
        return -EFAULT;
    t->dispatch = (struct call_dispatch){mode == PR_SYS_DISPATCH_ON, start, len, selector};
    task_publish_facts(t);
    return t->dispatch.on ? mm_watch(t, false) : 0;
}
