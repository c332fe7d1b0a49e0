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
#include "sentry/time/cputimer.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/file.h"

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

#define VDSO_SIZE 8192

void proc_map_line(struct task *t, const struct vma *v, struct strbuf *out)
{
    cleanup_free char *name = NULL;
    size_t at = out->len;
    struct kstat st = {0};

    if (v->file && v->file->path.dentry) {
        name = file_map_name(t, v->file);
        /* Of an overlay's file as stat(2) has it, not that of the layer beneath. */
        st.dev = v->file->path.dentry->sb->dev;
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

static int fill_cpuset(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "/\n");
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

#define STORE_ENTRY(n, m, f, s)                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = (m), .fill = (f), .store = (s)                     \
    }
#define ASK_ENTRY(n, m, f)                                                                         \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = (m), .ask = ask_usage, .fill = (f)                 \
    }
#define LINK_ENTRY(n, t, f)                                                                        \
    {                                                                                              \
        .name = (n), .kind = PROC_LINK, .mode = 0777, .target = (t), .follow = (f)                 \
    }
#define DIR_ENTRY(n, m, c)                                                                         \
    {                                                                                              \
        .name = (n), .kind = PROC_DIR, .mode = (m), .children = (c)                                \
    }
#define FILE_ENTRY(n, m, f)                                                                        \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = (m), .fill = (f)                                   \
    }
#define MOUNTS_ENTRY(n, m, f)                                                                      \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = (m), .show_mounts = (f)                            \
    }

/* Of a process and of a thread alike. */
#define TASK_ENTRIES                                                                               \
    FILE_ENTRY("auxv", 0400, fill_auxv), FILE_ENTRY("cgroup", 0444, fill_cgroup),                  \
        FILE_ENTRY("cmdline", 0444, fill_cmdline),                                                 \
        STORE_ENTRY("comm", 0644, fill_comm, store_comm), FILE_ENTRY("cpuset", 0444, fill_cpuset), \
        LINK_ENTRY("cwd", target_cwd, follow_cwd), FILE_ENTRY("environ", 0400, fill_environ),      \
        LINK_ENTRY("exe", target_exe, follow_exe),                                                 \
        {.name = "fd", .kind = PROC_FDDIR, .mode = 0500},                                          \
        {.name = "fdinfo", .kind = PROC_FDINFODIR, .mode = 0555},                                  \
        STORE_ENTRY("gid_map", 0644, fill_gid_map, store_gid_map),                                 \
        FILE_ENTRY("limits", 0444, fill_limits), FILE_ENTRY("loginuid", 0644, proc_fill_unset_id), \
        FILE_ENTRY("maps", 0444, fill_maps), {.name = "mem", .kind = PROC_MEM, .mode = 0600},      \
        MOUNTS_ENTRY("mountinfo", 0444, proc_show_mountinfo),                                      \
        MOUNTS_ENTRY("mounts", 0444, proc_show_mounts), DIR_ENTRY("net", 0555, proc_net_entries),  \
        DIR_ENTRY("ns", 0511, ns_entries),                                                         \
        STORE_ENTRY("oom_adj", 0644, proc_fill_oom_adj, proc_store_oom_adj),                       \
        ASK_ENTRY("oom_score", 0444, proc_fill_oom_score),                                         \
        STORE_ENTRY("oom_score_adj", 0644, proc_fill_oom_score_adj, proc_store_oom_score_adj),     \
        FILE_ENTRY("personality", 0400, proc_fill_personality),                                    \
        FILE_ENTRY("projid_map", 0644, proc_fill_projid_map),                                      \
        LINK_ENTRY("root", target_root, follow_root),                                              \
        FILE_ENTRY("sessionid", 0444, proc_fill_unset_id),                                         \
        STORE_ENTRY("setgroups", 0644, fill_setgroups, store_setgroups),                           \
        {.name = "smaps",                                                                          \
         .kind = PROC_FILE,                                                                        \
         .mode = 0444,                                                                             \
         .ask = proc_ask_smaps,                                                                    \
         .fill_asked = proc_fill_smaps},                                                           \
        {.name = "smaps_rollup",                                                                   \
         .kind = PROC_FILE,                                                                        \
         .mode = 0444,                                                                             \
         .ask = proc_ask_smaps,                                                                    \
         .fill_asked = proc_fill_smaps_rollup},                                                    \
        ASK_ENTRY("stat", 0444, proc_fill_stat), ASK_ENTRY("statm", 0444, proc_fill_statm),        \
        ASK_ENTRY("status", 0444, proc_fill_status),                                               \
        STORE_ENTRY("uid_map", 0644, fill_uid_map, store_uid_map),                                 \
        FILE_ENTRY("wchan", 0444, proc_fill_wchan)

const struct proc_entry proc_pid_entries[] = {
    TASK_ENTRIES,
    STORE_ENTRY("coredump_filter", 0644, fill_core_filter, store_core_filter),
    FILE_ENTRY("io", 0400, proc_fill_io),
    MOUNTS_ENTRY("mountstats", 0400, proc_show_mountstats),
    {.name = "task", .kind = PROC_TASKDIR, .mode = 0555},
    FILE_ENTRY("timers", 0444, posix_timers_print),
    STORE_ENTRY("timerslack_ns", 0666, proc_fill_timerslack, proc_store_timerslack),
    {0},
};

const struct proc_entry proc_tid_entries[] = {
    TASK_ENTRIES,
    FILE_ENTRY("children", 0444, proc_fill_children),
    FILE_ENTRY("io", 0400, proc_fill_thread_io),
    {0},
};
