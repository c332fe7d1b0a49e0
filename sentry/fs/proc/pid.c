/* Files of /proc/PID: proc(5). */
#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usage.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"
#include "sentry/time/clock.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/file.h"

#define TICKS(ns) ((unsigned long)((ns) / 10000000UL))

static int fill_memory(struct task *t, uint64_t start, uint64_t end, struct strbuf *out)
{
    char buf[4096];

    if (!t->mm)
        return 0;
    for (uint64_t at = start; at < end && out->len < (2 << 20);) {
        ssize_t n = mm_read(t->mm, buf, at, MIN(end - at, sizeof(buf)));
        if (n <= 0)
            break;
        strbuf_add(out, buf, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

static int fill_cmdline(struct task *t, struct strbuf *out)
{
    return t->mm ? fill_memory(t, t->mm->arg_start, t->mm->arg_end, out) : 0;
}

static int fill_environ(struct task *t, struct strbuf *out)
{
    return t->mm ? fill_memory(t, t->mm->env_start, t->mm->env_end, out) : 0;
}

static int fill_auxv(struct task *t, struct strbuf *out)
{
    if (t->mm)
        strbuf_add(out, t->mm->auxv, (size_t)t->mm->auxv_len * 8);
    return 0;
}

static int fill_comm(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%s\n", t->comm);
    return 0;
}

static int store_comm(struct task *t, const char *buf, size_t len)
{
    memset(t->comm, 0, sizeof(t->comm));
    memcpy(t->comm, buf, MIN(strcspn(buf, "\n"), sizeof(t->comm) - 1));
    return 0;
}

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

static int fill_stat(struct task *t, struct strbuf *out)
{
    struct thread_group *tg = t->tg;
    struct mm *mm = t->mm;
    uint64_t ign, cgt;

    mask_handlers(t, &ign, &cgt);
    strbuf_printf(out, "%d (%s) %c %d %d %d %d %d 0 0 0 0 0 ", task_nr(t), t->comm, state_letter(t),
                  tg->parent ? tg_nr(tg->parent) : 0, tg->pgrp ? id_nr(tg->pgrp->id) : 0,
                  tg->session ? id_nr(tg->session->id) : 0,
                  tg->session ? (int)session_tty_device(tg->session) : 0,
                  tg->session && tg->session->tty && tg->session->foreground
                      ? tg->session->foreground->id
                      : -1);
    strbuf_printf(out, "%lu 0 %ld 0 %d %d %d 0 %lu %lu %lu %lu ", TICKS(tg_cpu_ns(tg)),
                  tg->ru_children.ru_utime.tv_sec * 100, 20 + tg->nice, tg->nice,
                  MAX(tg->ntasks, 1), TICKS(t->start_ns - time_boot_ns()),
                  mm ? (unsigned long)mm->total_vm : 0, (unsigned long)(rss(mm) / NV_PAGE_SIZE),
                  ~0UL);
    strbuf_printf(
        out, "%lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 %d %ld 0 0 0 0 0 ",
        mm ? (unsigned long)mm->start_code : 0, mm ? (unsigned long)mm->end_code : 0,
        mm ? (unsigned long)mm->start_stack : 0, (unsigned long)t->sig.pending.set & 0x7fffffff,
        (unsigned long)signal_blocked(t) & 0x7fffffff, (unsigned long)ign & 0x7fffffff,
        (unsigned long)cgt & 0x7fffffff, tg->exit_signal, (long)(t->tid % sandbox->ncpus));
    strbuf_printf(out, "0 0 %lu %lu %lu %lu %lu %d\n", mm ? (unsigned long)mm->brk_start : 0,
                  mm ? (unsigned long)mm->arg_start : 0, mm ? (unsigned long)mm->arg_end : 0,
                  mm ? (unsigned long)mm->env_start : 0, mm ? (unsigned long)mm->env_end : 0,
                  tg->zombie ? tg->group_exit_code : 0);
    return 0;
}

static int fill_statm(struct task *t, struct strbuf *out)
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
    strbuf_puts(out, "Groups:\t");
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

static int fill_status(struct task *t, struct strbuf *out)
{
    static const char *const names[] = {
        [TASK_RUNNING] = "R (running)", [TASK_SLEEPING] = "S (sleeping)",
        [TASK_STOPPED] = "T (stopped)", [TASK_TRACED] = "t (tracing stop)",
        [TASK_ZOMBIE] = "Z (zombie)",   [TASK_DEAD] = "X (dead)"};
    struct thread_group *tg = t->tg;
    const struct cred *c = t->cred;
    const struct mm *mm = t->mm;
    uint64_t ign, cgt;

    mask_handlers(t, &ign, &cgt);
    strbuf_printf(out,
                  "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
                  "TracerPid:\t%d\n",
                  t->comm, t->fs ? t->fs->umask : 022, names[task_visible_state(t)], tg_nr(tg),
                  task_nr(t), tg->parent ? tg_nr(tg->parent) : 0,
                  t->trace.tracer ? task_nr(t->trace.tracer) : 0);
    status_ids(t, out);
    strbuf_puts(out, "FDSize:\t64\n");
    strbuf_printf(out, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", tg_nr(tg), task_nr(t),
                  tg->pgrp ? id_nr(tg->pgrp->id) : 0, tg->session ? id_nr(tg->session->id) : 0);
    if (mm)
        strbuf_printf(out,
                      "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmHWM:\t%8lu kB\n"
                      "VmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n"
                      "RssShmem:\t%8d kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\n"
                      "VmExe:\t%8lu kB\nVmSwap:\t%8d kB\n",
                      KB(mm->total_vm), KB(mm->total_vm), KB(mm->locked_vm), KB(mm->usage.peak),
                      KB(rss(mm)), KB(rss(mm) - mm->usage.shared), KB(mm->usage.shared), 0,
                      KB(mm->data_vm), KB(stack_size(t)), KB(mm->end_code - mm->start_code), 0);
    strbuf_printf(out,
                  "Threads:\t%d\nSigQ:\t%d/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n"
                  "SigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                  tg->ntasks, t->sig.pending.count,
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
    strbuf_printf(out,
                  "Cpus_allowed:\t%x\nCpus_allowed_list:\t0-%d\nMems_allowed_list:\t0\n"
                  "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n",
                  (1U << MIN(sandbox->ncpus, 31)) - 1, sandbox->ncpus - 1);
    return 0;
}

#define VDSO_SIZE 8192

void proc_map_line(struct task *t, const struct vma *v, struct strbuf *out)
{
    cleanup_free char *name = NULL;
    size_t at = out->len;
    struct kstat st = {0};

    if (v->file && v->file->path.dentry) {
        name = file_map_name(t, v->file);
        st.dev = v->file->inode->sb->dev;
        st.ino = v->file->path.dentry->inode->ino;
    }
    strbuf_printf(out, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", (unsigned long)v->start,
                  (unsigned long)v->end, v->flags & VM_READ ? 'r' : '-',
                  v->flags & VM_WRITE ? 'w' : '-', v->flags & VM_EXEC ? 'x' : '-',
                  v->flags & VM_SHARED ? 's' : 'p', (unsigned long)v->pgoff, major(st.dev),
                  minor(st.dev), (unsigned long)st.ino);
    const char *label = name ? name : v->name;
    if (label) {
        while (out->len - at < 73)
            strbuf_putc(out, ' ');
        strbuf_puts(out, label);
    }
    strbuf_putc(out, '\n');
}

static int fill_maps(struct task *t, struct strbuf *out)
{
    if (t->mm)
        for (struct vma *v = vma_first(t->mm); v; v = vma_next(t->mm, v))
            proc_map_line(t, v, out);
    if (t->mm && t->mm->vdso) {
        const struct vma vdso = {.start = t->mm->vdso,
                                 .end = t->mm->vdso + VDSO_SIZE,
                                 .flags = VM_READ | VM_EXEC,
                                 .name = "[vdso]"};
        proc_map_line(t, &vdso, out);
    }
    return 0;
}

static int fill_limits(struct task *t, struct strbuf *out)
{
    static const struct {
        const char *name, *unit;
    } rows[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},
        [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},
        [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},
        [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},
        [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},
        [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
        [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };

    strbuf_printf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        const rlim_t v[2] = {t->tg->rlim[i].rlim_cur, t->tg->rlim[i].rlim_max};
        strbuf_printf(out, "%-25s ", rows[i].name);
        for (int k = 0; k < 2; k++)
            if (v[k] == RLIM_INFINITY)
                strbuf_printf(out, "%-20s ", "unlimited");
            else
                strbuf_printf(out, "%-20lu ", (unsigned long)v[k]);
        strbuf_printf(out, "%-10s\n", rows[i].unit);
    }
    return 0;
}

static int fill_cgroup(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "0::/\n");
    return 0;
}

static int fill_uid_map(struct task *t, struct strbuf *out)
{
    id_map_print(t->cred->user_ns, false, task_current()->cred->user_ns, out);
    return 0;
}

static int fill_gid_map(struct task *t, struct strbuf *out)
{
    id_map_print(t->cred->user_ns, true, task_current()->cred->user_ns, out);
    return 0;
}

static int store_uid_map(struct task *t, const char *buf, size_t len)
{
    return id_map_write(task_current(), NULL, t, false, buf, len);
}

static int store_gid_map(struct task *t, const char *buf, size_t len)
{
    return id_map_write(task_current(), NULL, t, true, buf, len);
}

static int fill_setgroups(struct task *t, struct strbuf *out)
{
    const struct user_ns *ns = t->cred->user_ns;

    strbuf_puts(out, ns && ns->setgroups_denied ? "deny\n" : "allow\n");
    return 0;
}

static int store_setgroups(struct task *t, const char *buf, size_t len)
{
    return setgroups_write(task_current(), t, buf, len);
}

static int fill_oom_score_adj(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%d\n", t->tg->oom_score_adj);
    return 0;
}

static int store_oom_score_adj(struct task *t, const char *buf, size_t len)
{
    char text[16], *end;

    if (len >= sizeof(text))
        return -EINVAL;
    memcpy(text, buf, len);
    text[len] = 0;
    long v = strtol(text, &end, 0);
    if (end == text || end[strspn(end, " \t\n")] || v < -1000 || v > 1000)
        return -EINVAL;
    /* Less likely than its parents have made it: fs/proc/base.c __set_oom_adj(). */
    if (v < MIN(t->tg->oom_score_adj, 0) && !cred_capable(task_current()->cred, CAP_SYS_RESOURCE))
        return -EACCES;
    t->tg->oom_score_adj = (int)v;
    mm_tell_oom_score(t->mm, (int)v);
    return 0;
}

static int fill_core_filter(struct task *t, struct strbuf *out)
{
    if (t->mm)
        strbuf_printf(out, "%08x\n", t->mm->core_filter);
    return 0;
}

static int store_core_filter(struct task *t, const char *buf, size_t len)
{
    char *end;

    if (!isdigit((unsigned char)buf[0]) && buf[0] != '+')
        return -EINVAL;
    errno = 0;
    unsigned long v = strtoul(buf, &end, 0);
    if (*end && strcmp(end, "\n"))
        return -EINVAL;
    if (errno || v > UINT32_MAX)
        return -ERANGE;
    if (!t->mm)
        return -ESRCH;
    t->mm->core_filter = (uint32_t)v & CORE_FILTER_BITS;
    return 0;
}

static int fill_zero(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "0\n");
    return 0;
}

static int fill_io(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
                     "cancelled_write_bytes: 0\n");
    return 0;
}

/* --- links --- */
static int path_text(struct task *t, const struct path *p, struct strbuf *out)
{
    cleanup_free char *s = NULL;

    if (p->dentry->parent == p->dentry && !p->mnt) { /* a memfd */
        strbuf_printf(out, "/%s (deleted)", p->dentry->name);
        return 0;
    }
    int err = vfs_path_string(t, p, &s);
    if (!err)
        strbuf_puts(out, s);
    return err;
}

static int target_exe(struct task *t, struct strbuf *out)
{
    return t->tg->exe ? path_text(t, &t->tg->exe->path, out) : -ENOENT;
}

static int follow_exe(struct task *t, struct path *out)
{
    if (!t->tg->exe)
        return -ENOENT;
    *out = path_get(&t->tg->exe->path);
    return 0;
}

static int target_cwd(struct task *t, struct strbuf *out)
{
    return t->fs ? path_text(t, &t->fs->cwd, out) : -ENOENT;
}

static int follow_cwd(struct task *t, struct path *out)
{
    if (!t->fs)
        return -ENOENT;
    *out = path_get(&t->fs->cwd);
    return 0;
}

static int target_root(struct task *t, struct strbuf *out)
{
    return t->fs ? path_text(t, &t->fs->root, out) : -ENOENT;
}

static int follow_root(struct task *t, struct path *out)
{
    if (!t->fs)
        return -ENOENT;
    *out = path_get(&t->fs->root);
    return 0;
}

#define NS_LINK(ns, kind)                                                                          \
    static int target_ns_##ns(struct task *t, struct strbuf *out)                                  \
    {                                                                                              \
        return ns_link_text(t, kind, out);                                                         \
    }                                                                                              \
    static int follow_ns_##ns(struct task *t, struct path *out)                                    \
    {                                                                                              \
        return ns_link_follow(t, kind, out);                                                       \
    }
NS_LINK(mnt, NS_MNT)
NS_LINK(uts, NS_UTS)
NS_LINK(ipc, NS_IPC)
NS_LINK(user, NS_USER)
NS_LINK(pid, NS_PID)
NS_LINK(pid_for_children, NS_PID_CHILDREN)
NS_LINK(net, NS_NET)
NS_LINK(cgroup, NS_CGROUP)

#define NS_ENTRY(ns)                                                                               \
    {                                                                                              \
        .name = #ns, .kind = PROC_LINK, .mode = 0777, .target = target_ns_##ns,                    \
        .follow = follow_ns_##ns                                                                   \
    }
static const struct proc_entry ns_entries[] = {
    NS_ENTRY(cgroup),           NS_ENTRY(ipc),  NS_ENTRY(mnt), NS_ENTRY(net), NS_ENTRY(pid),
    NS_ENTRY(pid_for_children), NS_ENTRY(user), NS_ENTRY(uts), {0},
};

static void ask_usage(struct mm *mm, struct strbuf *host)
{
    if (mm)
        mm_usage_ask(mm, 0);
}

#define FILE_ENTRY(n, m, f)                                                                        \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = (m), .fill = (f)                                   \
    }

const struct proc_entry proc_pid_entries[] = {
    FILE_ENTRY("auxv", 0400, fill_auxv),
    FILE_ENTRY("cgroup", 0444, fill_cgroup),
    FILE_ENTRY("cmdline", 0444, fill_cmdline),
    {.name = "comm", .kind = PROC_FILE, .mode = 0644, .fill = fill_comm, .store = store_comm},
    {.name = "coredump_filter",
     .kind = PROC_FILE,
     .mode = 0644,
     .fill = fill_core_filter,
     .store = store_core_filter},
    {.name = "cwd", .kind = PROC_LINK, .mode = 0777, .target = target_cwd, .follow = follow_cwd},
    FILE_ENTRY("environ", 0400, fill_environ),
    {.name = "exe", .kind = PROC_LINK, .mode = 0777, .target = target_exe, .follow = follow_exe},
    {.name = "fd", .kind = PROC_FDDIR, .mode = 0500},
    {.name = "fdinfo", .kind = PROC_FDINFODIR, .mode = 0555},
    {.name = "gid_map",
     .kind = PROC_FILE,
     .mode = 0644,
     .fill = fill_gid_map,
     .store = store_gid_map},
    FILE_ENTRY("io", 0400, fill_io),
    FILE_ENTRY("limits", 0444, fill_limits),
    FILE_ENTRY("loginuid", 0644, fill_zero),
    FILE_ENTRY("maps", 0444, fill_maps),
    {.name = "mem", .kind = PROC_MEM, .mode = 0600},
    FILE_ENTRY("mountinfo", 0444, proc_fill_mountinfo),
    FILE_ENTRY("mounts", 0444, proc_fill_mounts),
    FILE_ENTRY("mountstats", 0400, proc_fill_mountstats),
    {.name = "ns", .kind = PROC_DIR, .mode = 0511, .children = ns_entries},
    FILE_ENTRY("oom_score", 0444, fill_zero),
    {.name = "oom_score_adj",
     .kind = PROC_FILE,
     .mode = 0644,
     .fill = fill_oom_score_adj,
     .store = store_oom_score_adj},
    {.name = "root", .kind = PROC_LINK, .mode = 0777, .target = target_root, .follow = follow_root},
    {.name = "setgroups",
     .kind = PROC_FILE,
     .mode = 0644,
     .fill = fill_setgroups,
     .store = store_setgroups},
    {.name = "smaps",
     .kind = PROC_FILE,
     .mode = 0444,
     .ask = proc_ask_smaps,
     .fill_asked = proc_fill_smaps},
    {.name = "smaps_rollup",
     .kind = PROC_FILE,
     .mode = 0444,
     .ask = proc_ask_smaps,
     .fill_asked = proc_fill_smaps_rollup},
    {.name = "stat", .kind = PROC_FILE, .mode = 0444, .ask = ask_usage, .fill = fill_stat},
    {.name = "statm", .kind = PROC_FILE, .mode = 0444, .ask = ask_usage, .fill = fill_statm},
    {.name = "status", .kind = PROC_FILE, .mode = 0444, .ask = ask_usage, .fill = fill_status},
    {.name = "task", .kind = PROC_TASKDIR, .mode = 0555},
    {.name = "uid_map",
     .kind = PROC_FILE,
     .mode = 0644,
     .fill = fill_uid_map,
     .store = store_uid_map},
    {0},
};
