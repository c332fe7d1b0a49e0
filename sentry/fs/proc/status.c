/* /proc/PID/stat, statm and status: proc(5). */
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>

#include "base/macros.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/rusage.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/file.h"

#define TICKS(ns) ((unsigned long)((ns) / 10000000UL))
/* include/linux/sched.h */
#define PF_EXITING 0x4
#define PF_FORKNOEXEC 0x40
#define PF_RANDOMIZE 0x400000

enum task_state task_visible_state(const struct task *t)
{
    if (t->state == TASK_RUNNING && t->in_guest && platform->sleeps && platform->sleeps(t->thr))
        return TASK_SLEEPING;
    return t->state;
}

static char state_letter(const struct task *t)
{
    static const char letters[] = {
        [TASK_RUNNING] = 'R', [TASK_SLEEPING] = 'S', [TASK_STOPPED] = 'T',
        [TASK_TRACED] = 't',  [TASK_ZOMBIE] = 'Z',   [TASK_DEAD] = 'X'};
    return letters[task_visible_state(t)];
}

static uint64_t rss(const struct mm *mm)
{
    return mm ? mm->usage.resident : 0;
}

static void mask_handlers(struct task *t, uint64_t *ign, uint64_t *cgt)
{
    *ign = *cgt = 0;
    for (int s = 1; s <= NV_NSIG; s++) {
        uint64_t h = t->tg->sighand->action[s].handler;
        if (h == (uint64_t)SIG_IGN)
            *ign |= ksig_bit(s);
        else if (h)
            *cgt |= ksig_bit(s);
    }
}

static unsigned int flags_of(const struct task *t)
{
    return (t->tg->zombie ? PF_EXITING : 0) | (t->tg->did_exec ? 0 : PF_FORKNOEXEC) |
           (t->personality & ADDR_NO_RANDOMIZE ? 0 : PF_RANDOMIZE);
}

static unsigned long tv_ticks(const struct timeval *tv)
{
    return (unsigned long)tv->tv_sec * 100 + (unsigned long)tv->tv_usec / 10000;
}

static void stat_ids(struct task *t, struct strbuf *out)
{
    const struct thread_group *tg = t->tg;
    const struct session *s = tg->session;

    strbuf_printf(out, "%d (%s) %c %d %d %d %d %d %u ", task_nr(t), t->comm, state_letter(t),
                  tg->parent ? tg_nr(tg->parent) : 0, tg->pgrp ? id_nr(tg->pgrp->id) : 0,
                  s ? id_nr(s->id) : 0, s ? (int)session_tty_device(s) : 0,
                  s && s->tty && s->foreground ? id_nr(s->foreground->id) : -1, flags_of(t));
}

/* Addresses are for those who may look into the process; others read 0, or 1 for the code's. */
int proc_fill_stat(struct task *t, struct strbuf *out)
{
    static const struct mm none;
    struct thread_group *tg = t->tg;
    const bool permitted = task_may_access(task_current(), t);
    const struct mm *mm = t->mm ? t->mm : &none, *seen = permitted ? mm : &none;
    uint64_t ign, cgt;

    mask_handlers(t, &ign, &cgt);
    stat_ids(t, out);
    strbuf_printf(out, "0 0 0 0 %lu 0 %lu %lu %d %d %d 0 %lu %lu %lu %lu ", TICKS(tg_cpu_ns(tg)),
                  tv_ticks(&tg->ru_children.ru_utime), tv_ticks(&tg->ru_children.ru_stime),
                  20 + tg->nice, tg->nice, MAX(tg->ntasks, 1), TICKS(t->start_ns - time_boot_ns()),
                  (unsigned long)mm->total_vm, (unsigned long)(rss(mm) / NV_PAGE_SIZE),
                  (unsigned long)tg->rlim[RLIMIT_RSS].rlim_cur);
    strbuf_printf(out, "%lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 %d %d 0 %d 0 0 0 ",
                  permitted || !t->mm ? (unsigned long)mm->start_code : 1UL,
                  permitted || !t->mm ? (unsigned long)mm->end_code : 1UL,
                  (unsigned long)seen->start_stack, (unsigned long)t->sig.pending.set & 0x7fffffff,
                  (unsigned long)signal_blocked(t) & 0x7fffffff, (unsigned long)ign & 0x7fffffff,
                  (unsigned long)cgt & 0x7fffffff, tg->exit_signal, t->tid % sandbox->ncpus,
                  t->policy);
    strbuf_printf(out, "0 0 %lu %lu %lu %lu %lu %d\n", (unsigned long)seen->brk_start,
                  (unsigned long)seen->arg_start, (unsigned long)seen->arg_end,
                  (unsigned long)seen->env_start, (unsigned long)seen->env_end,
                  tg->zombie && permitted ? tg->group_exit_code : 0);
    return 0;
}

int proc_fill_statm(struct task *t, struct strbuf *out)
{
    const struct mm *mm = t->mm;

    strbuf_printf(out, "%lu %lu %lu %lu 0 %lu 0\n",
                  mm ? (unsigned long)(mm->total_vm / NV_PAGE_SIZE) : 0,
                  (unsigned long)(rss(mm) / NV_PAGE_SIZE),
                  mm ? (unsigned long)(mm->usage.shared / NV_PAGE_SIZE) : 0,
                  mm ? (unsigned long)((mm->end_code - mm->start_code) / NV_PAGE_SIZE) : 0,
                  mm ? (unsigned long)(mm->data_vm / NV_PAGE_SIZE) : 0);
    return 0;
}

static void status_ids(struct task *t, struct strbuf *out)
{
    const struct task *v = task_current();
    const struct cred *c = t->cred;

    strbuf_printf(out, "Uid:\t%u\t%u\t%u\t%u\n", kuid_seen(v, c->uid), kuid_seen(v, c->euid),
                  kuid_seen(v, c->suid), kuid_seen(v, c->fsuid));
    strbuf_printf(out, "Gid:\t%u\t%u\t%u\t%u\n", kgid_seen(v, c->gid), kgid_seen(v, c->egid),
                  kgid_seen(v, c->sgid), kgid_seen(v, c->fsgid));
    strbuf_printf(out, "FDSize:\t%d\nGroups:\t", t->fds ? fdtable_size(t->fds) : 0);
    for (int i = 0; i < c->ngroups; i++)
        strbuf_printf(out, "%u ", kgid_seen(v, c->groups[i]));
    strbuf_puts(out, "\n");
}

#define KB(bytes) ((unsigned long)((bytes) / 1024))

static uint64_t stack_size(struct task *t)
{
    struct vma *v = vma_find(t->mm, t->mm->start_stack);

    return v && v->start <= t->mm->start_stack ? v->end - v->start : 0;
}

/* Code that is not the program's: mm->exec_vm without the text, in Linux's words. */
static uint64_t lib_size(struct mm *mm)
{
    const uint64_t text = mm->end_code - mm->start_code;
    uint64_t exec = 0;

    for (struct vma *v = vma_first(mm); v; v = vma_next(mm, v))
        if ((v->flags & VM_EXEC) && !(v->flags & VM_WRITE))
            exec += v->end - v->start;
    return exec > text ? exec - text : 0;
}

/* As %*pb and %*pbl of the kernel print a set. */
static void status_cpus(const struct task *t, struct strbuf *out)
{
    const int n = MIN(sandbox->ncpus, CPU_SETSIZE);
    const char *sep = "";
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = 0; i < n; i++)
        if (!t->affinity || CPU_ISSET(i, t->affinity))
            CPU_SET(i, &set);
    strbuf_puts(out, "Cpus_allowed:\t");
    for (int word = (n - 1) / 32, digits; word >= 0; word--) {
        unsigned int bits = 0;
        for (int i = 0; i < 32; i++)
            bits |= word * 32 + i < n && CPU_ISSET(word * 32 + i, &set) ? 1U << i : 0;
        digits = (MIN(n - word * 32, 32) + 3) / 4;
        strbuf_printf(out, "%0*x%s", digits, bits, word ? "," : "\n");
    }
    strbuf_puts(out, "Cpus_allowed_list:\t");
    for (int i = 0; i < n; i++) {
        if (!CPU_ISSET(i, &set))
            continue;
        int last = i;
        while (last + 1 < n && CPU_ISSET(last + 1, &set))
            last++;
        strbuf_printf(out, last > i ? "%s%d-%d" : "%s%d", sep, i, last);
        sep = ",";
        i = last;
    }
    strbuf_puts(out, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_fill_status(struct task *t, struct strbuf *out)
{
    static const char *const names[] = {
        [TASK_RUNNING] = "R (running)", [TASK_SLEEPING] = "S (sleeping)",
        [TASK_STOPPED] = "T (stopped)", [TASK_TRACED] = "t (tracing stop)",
        [TASK_ZOMBIE] = "Z (zombie)",   [TASK_DEAD] = "X (dead)"};
    struct thread_group *tg = t->tg;
    const struct cred *c = t->cred;
    struct mm *mm = t->mm;
    uint64_t ign, cgt;

    mask_handlers(t, &ign, &cgt);
    strbuf_printf(out,
                  "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
                  "TracerPid:\t%d\n",
                  t->comm, t->fs ? t->fs->umask : 022, names[task_visible_state(t)], tg_nr(tg),
                  task_nr(t), tg->parent ? tg_nr(tg->parent) : 0,
                  t->trace.tracer ? task_nr(t->trace.tracer) : 0);
    status_ids(t, out);
    strbuf_printf(out, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", tg_nr(tg),
                  task_nr(t), tg->pgrp ? id_nr(tg->pgrp->id) : 0,
                  tg->session ? id_nr(tg->session->id) : 0);
    if (mm)
        strbuf_printf(out,
                      "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 "
                      "kB\nVmHWM:\t%8lu kB\n"
                      "VmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n"
                      "RssShmem:\t%8d kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\n"
                      "VmExe:\t%8lu kB\nVmLib:\t%8lu kB\nVmSwap:\t%8d kB\n",
                      KB(mm->total_vm), KB(mm->total_vm), KB(mm->locked_vm), KB(mm->usage.peak),
                      KB(rss(mm)), KB(rss(mm) - mm->usage.shared), KB(mm->usage.shared), 0,
                      KB(mm->data_vm), KB(stack_size(t)), KB(mm->end_code - mm->start_code),
                      KB(lib_size(mm)), 0);
    strbuf_printf(out,
                  "CoreDumping:\t%d\nThreads:\t%d\nSigQ:\t%d/"
                  "%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n"
                  "SigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                  tg->core != NULL, tg->ntasks, t->sig.pending.count,
                  (unsigned long)tg->rlim[RLIMIT_SIGPENDING].rlim_cur,
                  (unsigned long)t->sig.pending.set, (unsigned long)tg->sig.pending.set,
                  (unsigned long)signal_blocked(t), (unsigned long)ign, (unsigned long)cgt);
    strbuf_printf(out,
                  "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
                  "CapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%u\n",
                  (unsigned long)c->cap_inheritable, (unsigned long)c->cap_permitted,
                  (unsigned long)c->cap_effective, (unsigned long)c->cap_bounding,
                  (unsigned long)c->cap_ambient, t->no_new_privs, t->seccomp_mode,
                  seccomp_count(t));
    status_cpus(t, out);
    strbuf_printf(out, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t0\n",
                  (unsigned long)t->nvcsw);
    return 0;
}
