/* seccomp(2): setting filters, and what they decide about each call; kernel/seccomp.c. */
#include "sentry/ns/ns.h"
#include "sentry/seccomp/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/ptrace.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/core/core.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/vfs/file.h"

#define PATH_INSNS_MAX 32768 /* MAX_INSNS_PER_PATH */
#define FILTER_PENALTY 4
#define FLAGS_KNOWN                                                                                \
    (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |        \
     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |                          \
     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define SYS_SECCOMP_CODE 1

/* --- chains --- */
static struct seccomp_filter *filter_get(struct seccomp_filter *f)
{
    if (f)
        f->refs++;
    return f;
}

static void filter_put(struct seccomp_filter *f)
{
    while (f && --f->refs == 0) {
        struct seccomp_filter *prev = f->prev;
        seccomp_filter_unused(f);
        free(f->insns);
        free(f);
        f = prev;
    }
}

void seccomp_inherit(struct task *t, struct task *c)
{
    c->seccomp_mode = t->seccomp_mode;
    c->seccomp = filter_get(t->seccomp);
}

void seccomp_task_exit(struct task *t)
{
    filter_put(t->seccomp);
    t->seccomp = NULL;
}

unsigned int seccomp_count(const struct task *t)
{
    unsigned int n = 0;

    for (const struct seccomp_filter *f = t->seccomp; f; f = f->prev)
        n++;
    return n;
}

static bool descends(const struct seccomp_filter *f, const struct seccomp_filter *from)
{
    while (f && f != from)
        f = f->prev;
    return f == from;
}

/* --- what happens to a call --- */
static bool skip(struct task *t, long result)
{
    t->sys_result = result;
    return false;
}

/* Its number is in rax again, as if it had not been looked at. */
static void fill_info(struct task *t, siginfo_t *info, uint16_t data)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = SIGSYS;
    info->si_code = SYS_SECCOMP_CODE;
    info->si_errno = data;
    info->si_call_addr = (void *)task_regs(t)->rip;
    info->si_syscall = (int)t->sys.nr;
    info->si_arch = AUDIT_ARCH_X86_64;
}

static bool trap(struct task *t, uint16_t data)
{
    siginfo_t info;

    fill_info(t, &info, data);
    signal_force(t, &info);
    return skip(t, t->sys.nr);
}

static bool kill_task(struct task *t, uint16_t data, bool process)
{
    log_debug("task %d: a filter does not allow call %ld", t->tid, t->sys.nr);
    if (process || t->tg->ntasks == 1) {
        siginfo_t info;
        fill_info(t, &info, data);
        core_dump(t, &info);
        tg_exit(t->tg, SIGSYS);
    }
    task_exit(t, SIGSYS);
}

static bool decide(struct task *t, const struct seccomp_data *d, bool recheck);

/* NOLINTNEXTLINE(misc-no-recursion): see decide() */
static bool ask_tracer(struct task *t, uint16_t data, bool recheck)
{
    struct seccomp_data d;

    if (recheck)
        return true;
    if (!trace_option(&t->trace, PTRACE_O_TRACESECCOMP))
        return skip(t, -ENOSYS);
    bool made = trace_seccomp(t, data);
    t->trace.recheck = false;
    if (!made)
        return false;
    d = (struct seccomp_data){
        .nr = (int)t->sys.nr, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = task_regs(t)->rip};
    for (int i = 0; i < 6; i++)
        d.args[i] = t->sys.arg[i];
    return decide(t, &d, true);
}

/* The strictest answer of the chain; of equal ones the newest filter's. */
static uint32_t run_chain(struct task *t, const struct seccomp_data *d, struct seccomp_filter **by)
{
    uint32_t ret = SECCOMP_RET_ALLOW;

    *by = NULL;
    for (struct seccomp_filter *f = t->seccomp; f; f = f->prev) {
        uint32_t r = bpf_run(f->insns, f->len, d);
        if ((int32_t)(r & SECCOMP_RET_ACTION_FULL) < (int32_t)(ret & SECCOMP_RET_ACTION_FULL)) {
            ret = r;
            *by = f;
        }
    }
    return ret;
}

/* NOLINTNEXTLINE(misc-no-recursion): once, with recheck */
static bool decide(struct task *t, const struct seccomp_data *d, bool recheck)
{
    struct seccomp_filter *by;
    uint32_t ret = run_chain(t, d, &by);
    uint16_t data = ret & SECCOMP_RET_DATA;

    switch (ret & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return true;
    case SECCOMP_RET_ERRNO:
        return skip(t, -(long)MIN(data, 4095));
    case SECCOMP_RET_TRAP:
        return trap(t, data);
    case SECCOMP_RET_TRACE:
        return ask_tracer(t, data, recheck);
    case SECCOMP_RET_USER_NOTIF:
        return seccomp_ask(t, by, d);
    default: /* and what there is not */
        return kill_task(t, ret & SECCOMP_RET_DATA,
                         (ret & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_KILL_THREAD);
    }
}

static bool strict_allows(struct task *t)
{
    switch (t->sys.nr) {
    case SYS_read:
    case SYS_write:
    case SYS_exit:
    case SYS_rt_sigreturn:
        return true;
    default:
        task_exit(t, SIGKILL);
    }
}

bool seccomp_allows(struct task *t)
{
    struct seccomp_data d = {.nr = (int)t->sys.nr, .arch = AUDIT_ARCH_X86_64};
    bool recheck = t->trace.recheck;

    if (t->seccomp_mode == SECCOMP_MODE_STRICT)
        return strict_allows(t);
    t->trace.recheck = false;
    d.instruction_pointer = task_regs(t)->rip;
    for (int i = 0; i < 6; i++)
        d.args[i] = t->sys.arg[i];
    return decide(t, &d, recheck);
}

/* --- setting --- */
static long set_strict(struct task *t)
{
    if (t->seccomp_mode && t->seccomp_mode != SECCOMP_MODE_STRICT)
        return -EINVAL;
    t->seccomp_mode = SECCOMP_MODE_STRICT;
    task_publish_facts(t);
    return mm_watch(t, false);
}

static int fetch_filter(struct task *t, uint64_t at, struct seccomp_filter **out)
{
    struct sock_fprog prog;
    int err = -EFAULT;

    if (get_user(t, &prog, at))
        return -EFAULT;
    if (!prog.len || prog.len > BPF_LEN_MAX)
        return -EINVAL;
    if (!t->no_new_privs && !cred_capable_own(t->cred, CAP_SYS_ADMIN))
        return -EACCES;
    if (!prog.filter)
        return -EINVAL;
    struct seccomp_filter *f = calloc(1, sizeof(*f));
    size_t size = prog.len * sizeof(struct sock_filter);
    if (f)
        f->insns = malloc(size);
    if (!f || !f->insns) {
        free(f);
        return -ENOMEM;
    }
    f->refs = 1;
    f->len = prog.len;
    if (!copy_in(t, f->insns, (uint64_t)prog.filter, size))
        err = bpf_check(f->insns, f->len);
    if (err)
        filter_put(f);
    else
        *out = f;
    return err;
}

/* The first thread that could not take over the caller's filters, or 0. */
static pid_t cannot_sync(struct task *t)
{
    struct task *o;

    list_for_each(o, &t->tg->tasks, tg_node) {
        if (o == t || o->seccomp_mode == SECCOMP_MODE_DISABLED ||
            (o->seccomp_mode == SECCOMP_MODE_FILTER && descends(t->seccomp, o->seccomp)))
            continue;
        return task_nr(o);
    }
    return 0;
}

static void adopt(struct task *o, struct seccomp_filter *f)
{
    struct seccomp_filter *old = o->seccomp;

    o->seccomp = filter_get(f);
    o->seccomp_mode = SECCOMP_MODE_FILTER;
    filter_put(old);
    task_publish_facts(o); /* nothing is answered without us from now on */
}

static bool chain_too_long(const struct task *t, unsigned int len)
{
    unsigned int total = len;

    for (const struct seccomp_filter *f = t->seccomp; f; f = f->prev)
        total += f->len + FILTER_PENALTY;
    return total > PATH_INSNS_MAX;
}

static bool has_listener(const struct task *t)
{
    for (const struct seccomp_filter *f = t->seccomp; f; f = f->prev)
        if (f->notifier)
            return true;
    return false;
}

/* Makes f the newest filter of t, and of the others with TSYNC. */
static long attach(struct task *t, struct seccomp_filter *f, uint64_t flags)
{
    struct task *o;

    if (t->seccomp_mode == SECCOMP_MODE_STRICT)
        return -EINVAL;
    if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) && has_listener(t))
        return -EBUSY;
    if (chain_too_long(t, f->len))
        return -ENOMEM;
    if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
        pid_t tid = cannot_sync(t);
        if (tid)
            return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : tid;
    }
    f->log = flags & SECCOMP_FILTER_FLAG_LOG;
    f->wait_killable = flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    f->prev = filter_get(t->seccomp);
    adopt(t, f);
    if (!(flags & SECCOMP_FILTER_FLAG_TSYNC))
        return 0;
    list_for_each(o, &t->tg->tasks, tg_node) {
        if (o == t)
            continue;
        o->no_new_privs |= t->no_new_privs;
        adopt(o, f);
        task_kick(o);
    }
    return 0;
}

static long set_filter(struct task *t, uint64_t flags, uint64_t at)
{
    struct seccomp_filter *f = NULL;
    cleanup_file struct file *listener = NULL;

    if ((flags & ~FLAGS_KNOWN) ||
        ((flags & SECCOMP_FILTER_FLAG_TSYNC) && (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
         !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH)) ||
        ((flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) &&
         !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)))
        return -EINVAL;
    long r = fetch_filter(t, at, &f);
    if (r)
        return r;
    r = mm_watch(t, false);
    if (!r)
        r = attach(t, f, flags);
    if (!r && (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)) {
        listener = seccomp_listener(f);
        r = listener ? fd_install_steal(t, file_get(listener), true) : -ENOMEM;
    }
    filter_put(f);
    return r;
}

static long action_avail(struct task *t, uint64_t at)
{
    uint32_t action;

    if (get_user(t, &action, at))
        return -EFAULT;
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_USER_NOTIF:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

long sys_seccomp(struct task *t, const struct sysargs *a)
{
    const struct seccomp_notif_sizes sizes = {sizeof(struct seccomp_notif),
                                              sizeof(struct seccomp_notif_resp),
                                              sizeof(struct seccomp_data)};
    uint32_t flags = arg_u32(a, 1);
    uint64_t at = arg_u64(a, 2);

    switch (arg_u32(a, 0)) {
    case SECCOMP_SET_MODE_STRICT:
        return flags || at ? -EINVAL : set_strict(t);
    case SECCOMP_SET_MODE_FILTER:
        return set_filter(t, flags, at);
    case SECCOMP_GET_ACTION_AVAIL:
        return flags ? -EINVAL : action_avail(t, at);
    case SECCOMP_GET_NOTIF_SIZES:
        return flags ? -EINVAL : put_user(t, &sizes, at);
    default:
        return -EINVAL;
    }
}

long seccomp_prctl(struct task *t, uint64_t mode, uint64_t filter)
{
    switch (mode) {
    case SECCOMP_MODE_STRICT:
        return set_strict(t);
    case SECCOMP_MODE_FILTER:
        return set_filter(t, 0, filter);
    default:
        return -EINVAL;
    }
}
