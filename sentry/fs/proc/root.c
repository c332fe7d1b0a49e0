/* Files of /proc itself and /proc/sys, from the sandbox's own facts. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uts.h"
#include "sentry/sandbox.h"
#include "sentry/socket/socket.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/fs_setup.h"

static int fill_meminfo(struct task *t, struct strbuf *out)
{
    unsigned long total = sandbox->memory_bytes / 1024, used = 0;
    struct thread_group *tg;

    list_for_each(tg, &all_thread_groups, all_node) {
        if (tg->leader && tg->leader->mm)
            used += 8192; /* the host knows better and does not tell */
    }
    unsigned long free_kb = total > used ? total - MIN(used, total / 2) : 0;
    strbuf_printf(out,
                  "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n"
                  "Buffers:        %8d kB\nCached:         %8d kB\nSwapCached:     %8d kB\n"
                  "SwapTotal:      %8d kB\nSwapFree:       %8d kB\nShmem:          %8d kB\n"
                  "CommitLimit:    %8lu kB\nCommitted_AS:   %8lu kB\nHugePages_Total: %7d\n"
                  "Hugepagesize:   %8d kB\n",
                  total, free_kb, free_kb, 0, 0, 0, 0, 0, 0, total, used, 0, 2048);
    return 0;
}

static int fill_stat(struct task *t, struct strbuf *out)
{
    uint64_t up = time_uptime_ns(), ticks = up / 10000000, busy = 0;
    struct thread_group *tg;

    list_for_each(tg, &all_thread_groups, all_node)
        busy += tg_cpu_ns(tg) / 10000000;
    uint64_t idle = ticks * (uint64_t)sandbox->ncpus;
    idle = idle > busy ? idle - busy : 0;
    strbuf_printf(out, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", (unsigned long)busy, (unsigned long)idle);
    for (int i = 0; i < sandbox->ncpus; i++)
        strbuf_printf(out, "cpu%d %lu 0 0 %lu 0 0 0 0 0 0\n", i,
                      (unsigned long)busy / (unsigned)sandbox->ncpus,
                      (unsigned long)idle / (unsigned)sandbox->ncpus);
    strbuf_printf(out,
                  "intr 0\nctxt 0\nbtime %ld\nprocesses %d\nprocs_running 1\nprocs_blocked 0\n",
                  (long)(time(NULL) - (time_t)(up / NSEC_PER_SEC)), task_count());
    return 0;
}

static int fill_uptime(struct task *t, struct strbuf *out)
{
    uint64_t cs = time_uptime_ns() / 10000000;

    strbuf_printf(out, "%lu.%02lu %lu.%02lu\n", (unsigned long)cs / 100, (unsigned long)cs % 100,
                  (unsigned long)cs / 100, (unsigned long)cs % 100);
    return 0;
}

static int fill_loadavg(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "0.00 0.00 0.00 1/%d %d\n", task_count(), t ? t->tid : 1);
    return 0;
}

static int fill_version(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "Linux version %s (nanovisor) %s\n", NV_UTS_RELEASE, NV_UTS_VERSION);
    return 0;
}

static int fill_filesystems(struct task *t, struct strbuf *out)
{
    for (int i = 0; fs_types[i]; i++)
        strbuf_printf(out, "%s\t%s\n", fs_types[i]->nodev ? "nodev" : "", fs_types[i]->name);
    return 0;
}

static int fill_cmdline(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "quiet\n");
    return 0;
}

static int fill_empty(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "");
    return 0;
}

static int fill_net_dev(struct task *t, struct strbuf *out)
{
    strbuf_puts(out,
                "Inter-|   Receive                                                |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
                "packets errs drop fifo colls carrier compressed\n"
                "    lo:       0       0    0    0    0     0          0         0        0       "
                "0    0    0    0     0       0          0\n");
    return 0;
}

/* --- links --- */
static int target_self(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%d", t->tg->tgid);
    return 0;
}

static int target_thread_self(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%d/task/%d", t->tg->tgid, t->tid);
    return 0;
}

static int target_mounts(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "self/mounts");
    return 0;
}

static int target_net(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "nv-net");
    return 0;
}

/* --- /proc/sys --- */
static int fill_hostname(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%s\n", uts_root()->nodename);
    return 0;
}

static int fill_boot_id(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%s\n", sandbox->boot_id);
    return 0;
}

#define CONST_FILE(fn, text)                                                                       \
    static int fn(struct task *t, struct strbuf *out)                                              \
    {                                                                                              \
        strbuf_puts(out, text "\n");                                                               \
        return 0;                                                                                  \
    }
CONST_FILE(fill_ostype, "Linux")
CONST_FILE(fill_osrelease, NV_UTS_RELEASE)
CONST_FILE(fill_os_version, NV_UTS_VERSION)
CONST_FILE(fill_pid_max, "32768")
CONST_FILE(fill_threads_max, "16384")
CONST_FILE(fill_randomize, "2")
CONST_FILE(fill_cap_last, "40")
CONST_FILE(fill_ngroups, "65536")
CONST_FILE(fill_overcommit, "1")
CONST_FILE(fill_max_map_count, "65530")
CONST_FILE(fill_mmap_min, "65536")
CONST_FILE(fill_file_max, "9223372036854775807")
CONST_FILE(fill_nr_open, "1048576")
CONST_FILE(fill_pipe_max, "1048576")
CONST_FILE(fill_somaxconn, "4096")
CONST_FILE(fill_inotify_watches, "65536")
CONST_FILE(fill_inotify_instances, "128")
CONST_FILE(fill_one, "1")
CONST_FILE(fill_zero, "0")
CONST_FILE(fill_core_pattern, "core")

/* clang-format off: tables */
#define F(n, f)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0444, .fill = (f)                                  \
    }
#define W(n, f)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0644, .fill = proc_fill_##f,                       \
        .store = proc_store_##f                                                                    \
    }
#define D(n, c)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_DIR, .mode = 0555, .children = (c)                               \
    }

static const struct proc_entry sysvipc_entries[] = {
    F("msg", msg_proc_fill), F("sem", sem_proc_fill), F("shm", shm_proc_fill), {0}};
static const struct proc_entry random_entries[] = {F("boot_id", fill_boot_id), {0}};
static const struct proc_entry kernel_entries[] = {F("cap_last_cap", fill_cap_last),
                                                   F("core_pattern", fill_core_pattern),
                                                   F("hostname", fill_hostname),
                                                   W("msgmax", msgmax),
                                                   W("msgmnb", msgmnb),
                                                   W("msgmni", msgmni),
                                                   F("ngroups_max", fill_ngroups),
                                                   F("osrelease", fill_osrelease),
                                                   F("ostype", fill_ostype),
                                                   F("pid_max", fill_pid_max),
                                                   D("random", random_entries),
                                                   F("randomize_va_space", fill_randomize),
                                                   W("sem", sem),
                                                   F("shm_rmid_forced", fill_zero),
                                                   W("shmall", shmall),
                                                   W("shmmax", shmmax),
                                                   W("shmmni", shmmni),
                                                   F("threads-max", fill_threads_max),
                                                   F("version", fill_os_version),
                                                   {0}};
static const struct proc_entry vm_entries[] = {F("max_map_count", fill_max_map_count),
                                               F("mmap_min_addr", fill_mmap_min),
                                               F("overcommit_memory", fill_overcommit),
                                               {0}};
static const struct proc_entry inotify_entries[] = {F("max_user_instances", fill_inotify_instances),
                                                    F("max_user_watches", fill_inotify_watches),
                                                    {0}};
static const struct proc_entry mqueue_entries[] = {
    W("msg_default", mq_msg_default),         W("msg_max", mq_msg_max),
    W("msgsize_default", mq_msgsize_default), W("msgsize_max", mq_msgsize_max),
    W("queues_max", mq_queues_max),           {0}};
static const struct proc_entry fs_entries[] = {F("file-max", fill_file_max),
                                               D("inotify", inotify_entries),
                                               D("mqueue", mqueue_entries),
                                               F("nr_open", fill_nr_open),
                                               F("pipe-max-size", fill_pipe_max),
                                               F("protected_symlinks", fill_one),
                                               {0}};
static const struct proc_entry net_core_entries[] = {F("somaxconn", fill_somaxconn), {0}};
static const struct proc_entry net_sys_entries[] = {D("core", net_core_entries), {0}};
static const struct proc_entry sys_entries[] = {D("fs", fs_entries),
                                                D("kernel", kernel_entries),
                                                D("net", net_sys_entries),
                                                D("vm", vm_entries),
                                                {0}};
/* clang-format on */

static int fill_net_unix(struct task *t, struct strbuf *out)
{
    unix_proc_net(out);
    return 0;
}

static const struct proc_entry net_entries[] = {F("dev", fill_net_dev),
                                                F("unix", fill_net_unix),
                                                F("tcp", fill_empty),
                                                F("udp", fill_empty),
                                                {0}};

const struct proc_entry proc_root_entries[] = {
    F("cmdline", fill_cmdline),
    F("cpuinfo", proc_fill_cpuinfo),
    F("filesystems", fill_filesystems),
    F("loadavg", fill_loadavg),
    F("meminfo", fill_meminfo),
    F("modules", fill_empty),
    {.name = "mounts", .kind = PROC_LINK, .mode = 0777, .target = target_mounts},
    {.name = "net", .kind = PROC_LINK, .mode = 0777, .target = target_net},
    D("nv", channel_entries),
    D("nv-net", net_entries),
    {.name = "self", .kind = PROC_LINK, .mode = 0777, .target = target_self},
    F("stat", fill_stat),
    F("swaps", fill_empty),
    D("sys", sys_entries),
    D("sysvipc", sysvipc_entries),
    {.name = "thread-self", .kind = PROC_LINK, .mode = 0777, .target = target_thread_self},
    F("uptime", fill_uptime),
    F("version", fill_version),
    {0},
};
