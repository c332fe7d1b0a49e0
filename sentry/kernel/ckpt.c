/*
 * Checkpoints: tasks, thread groups, process groups, sessions, credentials. A task is saved frozen,
 * with the call it was in; see sentry/ckpt/README.md.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "platform/vdso/vdso.h"
#include "platform/xstate.h"
#include "sentry/ckpt/ckpt.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/mm/mm.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/mount.h"
#include "sentry/time/cputimer.h"

#define EFLAGS_USER 0x50dd5UL

/* --- credentials --- */
static void cred_save(struct ckpt_writer *w, void *obj)
{
    const struct cred *c = obj;

    ckpt_put_u32(w, (uint32_t)c->ngroups);
    ckpt_put_bytes(w, c->groups, (size_t)c->ngroups * sizeof(gid_t));
}

static void cred_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct cred *c = obj;
    uint32_t n = ckpt_get_count(r, NV_NGROUPS_MAX, sizeof(gid_t));

    if (!n)
        return;
    c->groups = calloc(n, sizeof(gid_t));
    if (!c->groups) {
        ckpt_bad(r, "out of memory");
        return;
    }
    c->ngroups = (int)n;
    ckpt_get_bytes(r, c->groups, n * sizeof(gid_t));
}

static void cred_hold(void *obj)
{
    cred_get(obj);
}

static const struct ckpt_field cred_fields[] = {
    CKPT_UINT(struct cred, uid),
    CKPT_UINT(struct cred, euid),
    CKPT_UINT(struct cred, suid),
    CKPT_UINT(struct cred, fsuid),
    CKPT_UINT(struct cred, gid),
    CKPT_UINT(struct cred, egid),
    CKPT_UINT(struct cred, sgid),
    CKPT_UINT(struct cred, fsgid),
    CKPT_UINT(struct cred, cap_permitted),
    CKPT_UINT(struct cred, cap_effective),
    CKPT_UINT(struct cred, cap_inheritable),
    CKPT_UINT(struct cred, cap_bounding),
    CKPT_UINT(struct cred, cap_ambient),
    CKPT_UINT(struct cred, securebits),
    CKPT_SINCE(2, CKPT_KIND_REF, struct cred, user_ns, .type = &ckpt_user_ns),
};

const struct ckpt_type ckpt_cred = {
    .name = "cred",
    .id = CT_CRED,
    .version = 2, /* 2: of a user namespace */
    .size = sizeof(struct cred),
    CKPT_TABLE(cred_fields),
    .save = cred_save,
    .load = cred_load,
    .hold = cred_hold,
};
CKPT_TYPE_REGISTER(ckpt_cred);

/* --- sessions and process groups --- */
static void *session_create(struct ckpt_reader *r)
{
    return session_new(0);
}

static void session_hold(void *obj)
{
    ((struct session *)obj)->refs++;
}

static const struct ckpt_field session_fields[] = {
    CKPT_UINT_MAX(struct session, id, INT32_MAX),
    CKPT_REF(struct session, tty, &ckpt_tty),
    CKPT_WEAK(struct session, foreground, &ckpt_process_group),
};

const struct ckpt_type ckpt_session = {
    .name = "session",
    .id = CT_SESSION,
    .version = 1,
    CKPT_TABLE(session_fields),
    .create = session_create,
    .hold = session_hold,
};
CKPT_TYPE_REGISTER(ckpt_session);

static void *pgrp_create(struct ckpt_reader *r)
{
    struct process_group *p = calloc(1, sizeof(*p));

    if (p) {
        list_init(&p->members);
        list_init(&p->node);
    }
    return p;
}

static void pgrp_link(struct ckpt_reader *r, void *obj)
{
    struct process_group *p = obj;

    if (!p->session || !p->refs)
        ckpt_bad(r, "no session, or no members");
    else if (!pgrp_claim_id(p))
        ckpt_bad(r, "its number %d is taken", p->id);
}

static void pgrp_hold(void *obj)
{
    ((struct process_group *)obj)->refs++;
}

static const struct ckpt_field pgrp_fields[] = {
    CKPT_UINT_MAX(struct process_group, id, INT32_MAX),
    CKPT_REF(struct process_group, session, &ckpt_session),
};

const struct ckpt_type ckpt_process_group = {
    .name = "process_group",
    .id = CT_PROCESS_GROUP,
    .version = 1,
    CKPT_TABLE(pgrp_fields),
    .create = pgrp_create,
    .link = pgrp_link,
    .hold = pgrp_hold,
};
CKPT_TYPE_REGISTER(ckpt_process_group);

/* --- thread groups --- */
static void tg_save(struct ckpt_writer *w, void *obj)
{
    struct thread_group *tg = obj;
    struct task *t;

    sigpending_save(w, &tg->sig.pending);
    ckpt_put_u64(w, tg->cpu_sampled_ns);
    ckpt_put_u8(w, ktimer_armed(&tg->itimer_real));
    ckpt_put_time(w, ktimer_armed(&tg->itimer_real) ? tg->itimer_real.expires_ns : CKPT_NO_TIME);
    ckpt_put_u32(w, (uint32_t)tg->ntasks);
    list_for_each(t, &tg->tasks, tg_node)
        ckpt_put_ref(w, &ckpt_task, t);
}

static void *tg_create(struct ckpt_reader *r)
{
    return tg_new();
}

static void tg_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    static struct task *listed; /* tasks put themselves into the list, in the order of records */
    struct thread_group *tg = obj;

    sigpending_load(r, &tg->sig.pending);
    uint64_t cpu_ns = ckpt_get_u64(r);
    tg->ru_self.ru_utime.tv_sec = (time_t)(cpu_ns / NSEC_PER_SEC);
    tg->ru_self.ru_utime.tv_usec = (suseconds_t)(cpu_ns % NSEC_PER_SEC / NSEC_PER_USEC);
    tg->cpu_rest_ns = cpu_ns % NSEC_PER_USEC;
    bool armed = ckpt_get_u8(r);
    uint64_t at = ckpt_get_time(r);
    if (armed)
        ktimer_arm(&tg->itimer_real, at);
    uint32_t n = ckpt_get_count(r, 1 << 16, sizeof(uint32_t));
    while (n--)
        ckpt_get_weak(r, &ckpt_task, &listed);
}

static void tg_link(struct ckpt_reader *r, void *obj)
{
    struct thread_group *tg = obj, *p;
    int depth = 0;

    if (!tg->leader) { /* it was waited for, and somebody has a pidfd of it */
        if (!tg->zombie || tg->pgrp || tg->parent || tg->timers || tg->itimers_cpu || tg->refs < 2)
            ckpt_bad(r, "no leader");
        else
            tg->refs--; /* what is had until then */
        return;
    }
    if (tg->leader->tg != tg || tg->leader->tid != tg->tgid || !tg->sighand || !tg->pgrp ||
        !tg->pgrp->session) {
        ckpt_bad(r, "incomplete");
        return;
    }
    for (p = tg->parent; p && depth < 65536; p = p->parent)
        depth++;
    if (p) {
        ckpt_bad(r, "descends from itself");
        return;
    }
    tg->session = tg->pgrp->session;
    list_add_tail(&tg->pgrp->members, &tg->pgrp_node);
    if (tg->parent)
        list_add_tail(&tg->parent->children, &tg->sibling);
    if (cpu_limit_restored(tg))
        ckpt_bad(r, "out of memory");
}

static void tg_hold(void *obj)
{
    tg_get(obj);
}

static const struct ckpt_field tg_fields[] = {
    CKPT_UINT_MAX(struct thread_group, tgid, INT32_MAX),
    CKPT_WEAK(struct thread_group, leader, &ckpt_task),
    CKPT_WEAK(struct thread_group, parent, &ckpt_thread_group),
    CKPT_REF(struct thread_group, pgrp, &ckpt_process_group),
    CKPT_REF(struct thread_group, sighand, &ckpt_sighand),
    CKPT_UINT_MAX(struct thread_group, sig.stop_signal, NV_NSIG),
    CKPT_BOOL(struct thread_group, sig.stopped),
    CKPT_BOOL(struct thread_group, sig.continued),
    CKPT_BOOL(struct thread_group, sig.stop_reported),
    CKPT_UINT_MAX(struct thread_group, sig.last_stop, NV_NSIG),
    CKPT_UINT_MAX(struct thread_group, exit_signal, NV_NSIG),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct thread_group, parent_tid, .max = INT32_MAX),
    CKPT_BOOL(struct thread_group, exiting),
    CKPT_BOOL(struct thread_group, zombie),
    CKPT_BOOL(struct thread_group, is_subreaper),
    CKPT_BOOL(struct thread_group, dumpable),
    CKPT_BOOL(struct thread_group, did_exec),
    CKPT_BOOL(struct thread_group, keepcaps),
    CKPT_UINT(struct thread_group, group_exit_code),
    CKPT_BYTES(struct thread_group, rlim),
    CKPT_BYTES(struct thread_group, ru_self),
    CKPT_BYTES(struct thread_group, ru_children),
    CKPT_UINT(struct thread_group, itimer_real_interval_ns),
    CKPT_REF(struct thread_group, timers, &ckpt_posix_timers),
    CKPT_REF(struct thread_group, itimers_cpu, &ckpt_itimers_cpu),
    CKPT_REF(struct thread_group, exe, &ckpt_file),
    CKPT_UINT(struct thread_group, start_ns),
    CKPT_UINT(struct thread_group, nice),
    CKPT_UINT(struct thread_group, oom_score_adj),
    CKPT_SINCE(3, CKPT_KIND_BYTES, struct thread_group, io_past),
};

const struct ckpt_type ckpt_thread_group = {
    .name = "thread_group",
    .id = CT_THREAD_GROUP,
    .version = 3,
    CKPT_TABLE(tg_fields),
    .save = tg_save,
    .create = tg_create,
    .load = tg_load,
    .link = tg_link,
    .hold = tg_hold,
};
CKPT_TYPE_REGISTER(ckpt_thread_group);

/* --- tasks --- */
static void put_fpstate(struct ckpt_writer *w, struct task *t)
{
    _Alignas(64) static char area[XSTATE_PACKED_MAX], packed[XSTATE_PACKED_MAX];
    size_t size = xstate_size(), n = 0;

    if (t->state != TASK_ZOMBIE) {
        int err = size > sizeof(area) ? -E2BIG
                  : t->thr            ? platform->get_fpstate(t->thr, area, size)
                                      : 0;
        if (err)
            ckpt_fail(w, err);
        else
            n = xstate_pack(t->thr ? area : t->fpstate, packed);
        if (!err)
            checkpoint_uses_xstate(xstate_packed_features(packed));
    }
    ckpt_put_u32(w, (uint32_t)n);
    ckpt_put_bytes(w, packed, n);
}

/* A private futex wait that the guest's side served: the sentry takes it up. */
static bool waits_in_guest(const struct task *t)
{
    return t->ev.kind == PE_SYSCALL && t->ev.sys_done && t->sys_result <= -ERESTARTSYS;
}

/* Threads that have exited are in no other list. */
static void save_tracees(struct ckpt_writer *w, struct task *t)
{
    struct task *c;
    uint32_t n = 0;

    list_for_each(c, &t->trace.tracees, trace.node)
        n++;
    ckpt_put_u32(w, n);
    list_for_each(c, &t->trace.tracees, trace.node)
        ckpt_put_ref(w, &ckpt_task, c);
}

#define USER_CS 0x33 /* arch/x86/include/asm/segment.h */

static void check_savable(struct ckpt_writer *w, struct task *t)
{
    const struct user_regs_struct *r = task_regs(t);
    char subject[64];

    snprintf(subject, sizeof(subject), "pid %d tid %d (%s)", t->tg->tgid, t->tid, t->comm);
    if (r->cs != USER_CS)
        ckpt_refuse(w, subject, "it runs in a code segment of 32 bits, which nv does not restore");
    if (uring_has_numbers(t))
        ckpt_refuse(w, subject, "rings of io_uring, which it has numbers of, cannot be saved");
    if (t->thr && vdso_contains(r->rip))
        ckpt_refuse(w, subject, "it is in the host's vDSO, other code elsewhere: try again");
}

static void task_save(struct ckpt_writer *w, void *obj)
{
    struct task *t = obj;
    bool in_call = t->state != TASK_ZOMBIE && t->ev.kind == PE_SYSCALL;

    if (t->state != TASK_ZOMBIE)
        check_savable(w, t);
    ckpt_put_bytes(w, &t->regs, sizeof(t->regs));
    put_fpstate(w, t);
    ckpt_put_u8(w, t->state == TASK_ZOMBIE);
    ckpt_put_u8(w, in_call);
    ckpt_put_u8(w, in_call && (t->cut_short || waits_in_guest(t)));
    sigpending_save(w, &t->sig.pending);
    futex_wait_save(w, t, in_call && waits_in_guest(t));
    ckpt_put_u64(w, t->cpu_sampled_ns);
    ckpt_put_u8(w, t->affinity != NULL);
    if (t->affinity)
        ckpt_put_bytes(w, t->affinity, sizeof(*t->affinity));
    save_tracees(w, t);
    ckpt_put_uts(w, t->uts ? t->uts : uts_root());
}

static void *task_create(struct ckpt_reader *r)
{
    struct task *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->refs = 1;
    list_init(&t->tg_node);
    waitq_init(&t->vfork_done);
    signal_task_init(t);
    trace_task_init(t);
    return t;
}

/* Registers that the host could not load are refused here, not at the first instruction. */
static void load_registers(struct ckpt_reader *r, struct task *t)
{
    static char packed[XSTATE_PACKED_MAX];
    struct user_regs_struct *g = &t->regs;
    const char *missing = NULL;

    ckpt_get_bytes(r, g, sizeof(*g));
    g->eflags &= EFLAGS_USER;
    if (g->fs_base >= NV_TASK_SIZE)
        ckpt_bad(r, "the base of %%fs is not an address of a program");
    t->regs_valid = t->regs_dirty = true;
    uint32_t n = ckpt_get_count(r, sizeof(packed), 1);
    if (!n)
        return;
    ckpt_get_bytes(r, packed, n);
    t->fpstate = aligned_alloc(64, ROUND_UP(xstate_size(), 64));
    int err = t->fpstate ? xstate_unpack(packed, n, t->fpstate, &missing) : -ENOMEM;
    if (err == -ENOTSUP)
        ckpt_bad(r, "it uses %s, which this processor has not", missing);
    else if (err)
        ckpt_bad(r, "the vector registers are not valid");
}

static void task_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct task *t = obj;

    load_registers(r, t);
    t->state = ckpt_get_u8(r) ? TASK_ZOMBIE : TASK_RUNNING;
    t->ev.kind = ckpt_get_u8(r) ? PE_SYSCALL : PE_INTERRUPTED;
    t->cut_short = ckpt_get_u8(r);
    sigpending_load(r, &t->sig.pending);
    if (version >= 5) {
        futex_wait_load(r, t);
        t->cpu_past_ns = ckpt_get_u64(r);
    }
    if (ckpt_get_u8(r)) {
        t->affinity = malloc(sizeof(cpu_set_t));
        if (t->affinity)
            ckpt_get_bytes(r, t->affinity, sizeof(cpu_set_t));
        else
            ckpt_bad(r, "out of memory");
    }
    if (version >= 3) {
        static struct task *listed; /* they put themselves into the list */
        uint32_t n = ckpt_get_count(r, 1 << 16, sizeof(uint32_t));
        while (n--)
            ckpt_get_weak(r, &ckpt_task, &listed);
    }
    if (version >= 9)
        ckpt_get_ref(r, &ckpt_uts, &t->uts);
    if (t->cut_short && !syscall_row(t->sys.nr))
        ckpt_bad(r, "it was in call %ld, which there is not", t->sys.nr);
}

static bool link_trace(struct task *t)
{
    struct task_trace *tr = &t->trace;
    struct task *p = tr->tracer;

    if (!p) {
        return !tr->stopped && !tr->trap_due && !tr->held && !tr->past_stop && !tr->exit_due &&
               !tr->event_due && !tr->vfork_done && !tr->pass;
    }
    if (!p->tg || p->tg == t->tg || p->state == TASK_ZOMBIE ||
        (tr->held && (t->state != TASK_ZOMBIE || t->tg->leader == t || t->tg->zombie)) ||
        (tr->stopped && t->state == TASK_ZOMBIE) || tr->info.si_signo < 0 ||
        tr->info.si_signo > NV_NSIG)
        return false;
    list_add_tail(&p->trace.tracees, &tr->node);
    t->tg->nheld += tr->held;
    return true;
}

static void task_link(struct ckpt_reader *r, void *obj)
{
    struct task *t = obj;
    bool alive = t->state != TASK_ZOMBIE;

    if (!t->tg || !t->cred || (alive && (!t->mm || !t->fds || !t->fs || !t->fpstate))) {
        ckpt_bad(r, "incomplete");
        return;
    }
    if ((!alive && t->tg->leader != t && !t->trace.held) || (alive && t->tg->zombie)) {
        ckpt_bad(r, "dead and alive");
        return;
    }
    if (!task_claim_id(t)) {
        ckpt_bad(r, "its number %d is taken", t->tid);
        return;
    }
    t->comm[sizeof(t->comm) - 1] = 0;
    if (!t->uts)
        t->uts = uts_ns_get(uts_root());
    if (!task_pid_ns_ok(t)) {
        ckpt_bad(r, "it has no number in its pid namespace");
        return;
    }
    if ((t->seccomp_mode == SECCOMP_MODE_FILTER) != (t->seccomp != NULL)) {
        ckpt_bad(r, "filters and no filters");
        return;
    }
    if (!link_trace(t)) {
        ckpt_bad(r, "traced in a way that cannot be");
        return;
    }
    if (!alive)
        return;
    if (!t->ipc) /* an older image: it had none */
        t->ipc = ipc_ns_get(ipc_ns_root());
    if (!t->mnt_ns) /* an image of version 1 */
        t->mnt_ns = mount_ns_get(root_mount_ns);
    if (t->mnt_ns->anonymous)
        ckpt_bad(r, "its namespace of mounts is not one of a task");
    list_add_tail(&t->tg->tasks, &t->tg_node);
    t->tg->ntasks++;
    if (t->vfork_child)
        t->vfork_child->vfork_parent = t;
}

static void task_hold(void *obj)
{
    task_get(obj);
}

static const struct ckpt_field task_fields[] = {
    CKPT_UINT_MAX(struct task, tid, INT32_MAX),
    CKPT_REF(struct task, tg, &ckpt_thread_group),
    CKPT_REF(struct task, mm, &ckpt_mm),
    CKPT_REF(struct task, fds, &ckpt_fdtable),
    CKPT_REF(struct task, fs, &ckpt_fs_context),
    CKPT_SINCE(3, CKPT_KIND_REF, struct task, mnt_ns, .type = &ckpt_mount_ns),
    CKPT_REF(struct task, cred, &ckpt_cred),
    CKPT_BYTES(struct task, comm),
    CKPT_BOOL(struct task, no_new_privs),
    CKPT_UINT(struct task, sys.nr),
    CKPT_BYTES(struct task, sys.arg),
    CKPT_UINT(struct task, sys_result),
    CKPT_TIME(struct task, kept_deadline_ns),
    CKPT_UINT_MAX(struct task, done_ago, INT64_MAX / 2),
    CKPT_UINT(struct task, ev.trapno),
    CKPT_UINT(struct task, ev.err),
    CKPT_UINT(struct task, ev.cr2),
    CKPT_UINT(struct task, sig.blocked),
    CKPT_UINT(struct task, sig.saved_blocked),
    CKPT_BOOL(struct task, sig.restore_saved),
    CKPT_UINT_MAX(struct task, sig.fault_sig, NV_NSIG),
    CKPT_UINT(struct task, sig.sync),
    CKPT_UINT(struct task, sig.altstack.ss_sp),
    CKPT_UINT(struct task, sig.altstack.ss_flags),
    CKPT_UINT(struct task, sig.altstack.ss_size),
    CKPT_SYM(struct task, restart_fn, "restart"),
    CKPT_TIME(struct task, restart_deadline_ns),
    CKPT_BYTES(struct task, restart_data),
    CKPT_UINT(struct task, clear_child_tid),
    CKPT_UINT(struct task, robust_list),
    CKPT_UINT(struct task, set_child_tid),
    CKPT_UINT(struct task, rseq),
    CKPT_UINT(struct task, timer_slack_ns),
    CKPT_UINT(struct task, start_ns),
    CKPT_REF(struct task, vfork_child, &ckpt_task),
    CKPT_UINT(struct task, exit_code),
    CKPT_UINT_MAX(struct task, pdeath_signal, NV_NSIG),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, personality),
    CKPT_SINCE(3, CKPT_KIND_WEAK, struct task, trace.tracer, .type = &ckpt_task),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.seized),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.options),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.resume, .max = RESUME_EMU_STEP),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.stopped),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.reported),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.listening),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.has_info),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.kind, .max = TRACE_LAST),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.code, .max = 0xffffff),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.message),
    CKPT_SINCE(3, CKPT_KIND_BYTES, struct task, trace.info),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.given, .max = 0xffffff),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.regs_changed),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.trap_due),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.past_stop),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.exit_due),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.event_due, .max = 0xff),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.event_msg),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, trace.vfork_done),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.emulated),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.recheck),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.pass),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct task, trace.held),
    CKPT_SINCE(4, CKPT_KIND_UINT, struct task, seccomp_mode, .max = SECCOMP_MODE_FILTER),
    CKPT_SINCE(4, CKPT_KIND_REF, struct task, seccomp, .type = &ckpt_seccomp_filter),
    CKPT_SINCE(4, CKPT_KIND_UINT, struct task, asked_id),
    CKPT_SINCE(4, CKPT_KIND_BOOL, struct task, asked_taken),
    CKPT_UINT(struct task, policy),
    CKPT_UINT(struct task, ioprio),
    CKPT_UINT(struct task, nsyscalls),
    CKPT_SINCE(2, CKPT_KIND_REF, struct task, ipc, .type = &ckpt_ipc_ns),
    CKPT_SINCE(2, CKPT_KIND_REF, struct task, sem_undo, .type = &ckpt_sem_undo),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct task, mempolicy),
    CKPT_SINCE(6, CKPT_KIND_UINT, struct task, rseq_len),
    CKPT_SINCE(6, CKPT_KIND_UINT, struct task, rseq_sig),
    CKPT_SINCE(7, CKPT_KIND_BOOL, struct task, dispatch.on),
    CKPT_SINCE(7, CKPT_KIND_UINT, struct task, dispatch.start),
    CKPT_SINCE(7, CKPT_KIND_UINT, struct task, dispatch.len),
    CKPT_SINCE(7, CKPT_KIND_UINT, struct task, dispatch.selector),
    CKPT_SINCE(7, CKPT_KIND_UINT, struct task, mce_kill, .max = PR_MCE_KILL_EARLY + 1),
    CKPT_SINCE(7, CKPT_KIND_BOOL, struct task, reset_on_fork),
    CKPT_SINCE(8, CKPT_KIND_BYTES, struct task, io),
    CKPT_SINCE(8, CKPT_KIND_UINT, struct task, nvcsw),
    CKPT_SINCE(9, CKPT_KIND_REF, struct task, pid_ns, .type = &ckpt_pid_ns),
    CKPT_SINCE(9, CKPT_KIND_REF, struct task, pid_ns_children, .type = &ckpt_pid_ns),
    CKPT_SINCE(9, CKPT_KIND_REF, struct task, net, .type = &ckpt_plain_ns),
    CKPT_SINCE(9, CKPT_KIND_REF, struct task, cgroup, .type = &ckpt_plain_ns),
};

const struct ckpt_type ckpt_task = {
    .name = "task",
    .id = CT_TASK,
    .version = 9, /* 9: namespaces */
    CKPT_TABLE(task_fields),
    .save = task_save,
    .create = task_create,
    .load = task_load,
    .link = task_link,
    .hold = task_hold,
};
CKPT_TYPE_REGISTER(ckpt_task);
