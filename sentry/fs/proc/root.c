/* Files of /proc itself, from the sandbox's own facts. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uts.h"
#include "sentry/mm/usage.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"
#include "sentry/socket/socket.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/fs_setup.h"
#include "sentry/vfs/locks.h"

#define TICK_NS 10000000UL /* USER_HZ is 100 */

static void ask_memory(struct mm *mm, struct strbuf *host)
{
    memory_usage_ask();
}

static int fill_meminfo(struct task *t, struct strbuf *out)
{
    const struct memory_usage u = memory_usage();
    const uint64_t available = MIN(u.free + u.cached - u.shmem, u.total);
    const struct {
        const char *name;
        uint64_t bytes;
    } rows[] = {{"MemTotal", u.total},
                {"MemFree", u.free},
                {"MemAvailable", available},
                {"Buffers", 0},
                {"Cached", u.cached},
                {"SwapCached", 0},
                {"Active", u.anonymous},
                {"Inactive", u.cached},
                {"Unevictable", 0},
                {"Mlocked", 0},
                {"SwapTotal", 0},
                {"SwapFree", 0},
                {"Dirty", 0},
                {"Writeback", 0},
                {"AnonPages", u.anonymous},
                {"Mapped", u.cached - u.shmem},
                {"Shmem", u.shmem},
                {"KReclaimable", 0},
                {"Slab", 0},
                {"CommitLimit", u.total},
                {"Committed_AS", u.anonymous + u.shmem},
                {"VmallocTotal", 0},
                {"VmallocUsed", 0}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        strbuf_printf(out, "%s:%*lu kB\n", rows[i].name, 23 - (int)strlen(rows[i].name),
                      (unsigned long)rows[i].bytes / 1024);
    strbuf_puts(out, "HugePages_Total:       0\nHugePages_Free:        0\n"
                     "HugePages_Rsvd:        0\nHugePages_Surp:        0\n"
                     "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
    return 0;
}

static int fill_vmstat(struct task *t, struct strbuf *out)
{
    const struct memory_usage u = memory_usage();

    strbuf_printf(
        out,
        "nr_free_pages %lu\nnr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\n"
        "nr_shmem %lu\nnr_dirty 0\nnr_writeback 0\npgpgin 0\npgpgout 0\npswpin 0\n"
        "pswpout 0\npgfault 0\npgmajfault 0\noom_kill 0\n",
        (unsigned long)(u.free / NV_PAGE_SIZE), (unsigned long)(u.anonymous / NV_PAGE_SIZE),
        (unsigned long)((u.cached - u.shmem) / NV_PAGE_SIZE),
        (unsigned long)(u.cached / NV_PAGE_SIZE), (unsigned long)(u.shmem / NV_PAGE_SIZE));
    return 0;
}

static unsigned long running_tasks(void)
{
    struct thread_group *tg;
    unsigned long n = 0;

    list_for_each(tg, &all_thread_groups, all_node) {
        struct task *m;
        list_for_each(m, &tg->tasks, tg_node)
            n += task_visible_state(m) == TASK_RUNNING;
    }
    return n;
}

/* Of all processors; what the sandbox has not used of them was idle. */
static uint64_t idle_ns(uint64_t up, uint64_t busy)
{
    uint64_t all = up * (uint64_t)sandbox->ncpus;

    return all > busy ? all - busy : 0;
}

static void put_cpu(struct strbuf *out, uint64_t busy, uint64_t idle)
{
    strbuf_printf(out, " %lu 0 0 %lu 0 0 0 0 0 0\n", (unsigned long)(busy / TICK_NS),
                  (unsigned long)(idle / TICK_NS));
}

/* The host gives the sandbox's threads their processors: each has had its share. */
static int fill_stat(struct task *t, struct strbuf *out)
{
    const uint64_t up = time_uptime_ns(), busy = sandbox_cpu_ns(), idle = idle_ns(up, busy);
    const unsigned int n = (unsigned int)sandbox->ncpus;

    strbuf_puts(out, "cpu ");
    put_cpu(out, busy, idle);
    for (unsigned int i = 0; i < n; i++) {
        strbuf_printf(out, "cpu%u", i);
        put_cpu(out, busy / n, idle / n);
    }
    strbuf_printf(out,
                  "intr 0\nctxt %lu\nbtime %ld\nprocesses %lu\nprocs_running %lu\n"
                  "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
                  (unsigned long)sandbox_totals.switches,
                  (long)(time(NULL) - (time_t)(up / NSEC_PER_SEC)),
                  (unsigned long)sandbox_totals.forks, running_tasks());
    return 0;
}

static int fill_uptime(struct task *t, struct strbuf *out)
{
    const uint64_t up = time_uptime_ns();
    const unsigned long cs = up / TICK_NS, idle = idle_ns(up, sandbox_cpu_ns()) / TICK_NS;

    strbuf_printf(out, "%lu.%02lu %lu.%02lu\n", cs / 100, cs % 100, idle / 100, idle % 100);
    return 0;
}

/*
 * Averages as the kernel's (kernel/sched/loadavg.c), of the processors that were used; steps of
 * five seconds are made up for when somebody looks, so that nothing runs for them.
 */
#define LOAD_STEP_NS (5 * NSEC_PER_SEC)
#define LOAD_ONE 2048UL

static unsigned long decayed(unsigned long load, unsigned long decay, uint64_t steps,
                             unsigned long active)
{
    unsigned long keep = LOAD_ONE;

    for (; steps; steps >>= 1) {
        if (steps & 1)
            keep = keep * decay / LOAD_ONE;
        decay = decay * decay / LOAD_ONE;
    }
    return (load * keep + active * (LOAD_ONE - keep)) / LOAD_ONE;
}

static int fill_loadavg(struct task *t, struct strbuf *out)
{
    static const unsigned long decay[3] = {1884, 2014, 2037}; /* of 1, 5 and 15 minutes */
    static unsigned long load[3];
    static uint64_t at_ns, had_ns;
    uint64_t now = time_uptime_ns(), steps = (now - at_ns) / LOAD_STEP_NS, busy = sandbox_cpu_ns();

    if (steps) {
        uint64_t used = busy > had_ns ? busy - had_ns : 0;
        unsigned long active = used * LOAD_ONE / (now - at_ns);
        for (int i = 0; i < 3; i++)
            load[i] = decayed(load[i], decay[i], steps, active);
        at_ns = now;
        had_ns = busy;
    }
    for (int i = 0; i < 3; i++) {
        unsigned long l = load[i] + LOAD_ONE / 200;
        strbuf_printf(out, "%lu.%02lu ", l / LOAD_ONE, l % LOAD_ONE * 100 / LOAD_ONE);
    }
    strbuf_printf(out, "%lu/%d %d\n", running_tasks(), task_count(), t ? t->tid : 1);
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

static int fill_devices(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
                     "  5 /dev/ptmx\n 10 misc\n136 pts\n\nBlock devices:\n");
    return 0;
}

static int fill_partitions(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "major minor  #blocks  name\n\n");
    return 0;
}

static int fill_locks(struct task *t, struct strbuf *out)
{
    locks_print(task_current()->pid_ns, out);
    return 0;
}

static int fill_interrupts(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "    ");
    for (int i = 0; i < sandbox->ncpus; i++)
        strbuf_printf(out, "       CPU%d", i);
    strbuf_puts(out, "\n");
    return 0;
}

/* The sentry has no interrupts of its own, and the host's are none of the sandbox's. */
static int fill_softirqs(struct task *t, struct strbuf *out)
{
    static const char *const names[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                        "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};

    strbuf_puts(out, "                    ");
    for (int i = 0; i < sandbox->ncpus; i++)
        strbuf_printf(out, "CPU%-8d", i);
    for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
        strbuf_printf(out, "\n%12s:", names[k]);
        for (int i = 0; i < sandbox->ncpus; i++)
            strbuf_printf(out, " %10u", 0);
    }
    strbuf_puts(out, "\n");
    return 0;
}

static int fill_cgroups(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
    return 0;
}

static int fill_swaps(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
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
    pid_t nr = pid_nr(proc_link_ns, t->tg->tgid);

    strbuf_printf(out, "%d", nr);
    return nr ? 0 : -ENOENT;
}

static int target_thread_self(struct task *t, struct strbuf *out)
{
    pid_t nr = pid_nr(proc_link_ns, t->tg->tgid);

    strbuf_printf(out, "%d/task/%d", nr, pid_nr(proc_link_ns, t->tid));
    return nr ? 0 : -ENOENT;
}

static int target_mounts(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "self/mounts");
    return 0;
}

static int target_net(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "self/net");
    return 0;
}

#define F(n, f)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0444, .fill = (f)                                  \
    }
#define D(n, c)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_DIR, .mode = 0555, .children = (c)                               \
    }

static const struct proc_entry sysvipc_entries[] = {
    F("msg", msg_proc_fill), F("sem", sem_proc_fill), F("shm", shm_proc_fill), {0}};

static int fill_net_unix(struct task *t, struct strbuf *out)
{
    unix_proc_net(out);
    return 0;
}

const struct proc_entry proc_net_entries[] = {F("dev", fill_net_dev),
                                              F("unix", fill_net_unix),
                                              F("tcp", fill_empty),
                                              F("udp", fill_empty),
                                              {0}};

const struct proc_entry proc_root_entries[] = {
    F("cmdline", fill_cmdline),
    F("cpuinfo", proc_fill_cpuinfo),
    F("cgroups", fill_cgroups),
    F("consoles", fill_empty), /* nothing prints what a kernel says */
    F("devices", fill_devices),
    F("diskstats", fill_empty),
    F("filesystems", fill_filesystems),
    F("interrupts", fill_interrupts),
    F("loadavg", fill_loadavg),
    F("locks", fill_locks),
    {.name = "meminfo", .kind = PROC_FILE, .mode = 0444, .ask = ask_memory, .fill = fill_meminfo},
    F("modules", fill_empty),
    {.name = "mounts", .kind = PROC_LINK, .mode = 0777, .target = target_mounts},
    {.name = "net", .kind = PROC_LINK, .mode = 0777, .target = target_net},
    F("misc", fill_empty), /* devices with a number of 10 */
    D("nv", channel_entries),
    {.name = "self", .kind = PROC_LINK, .mode = 0777, .target = target_self},
    F("softirqs", fill_softirqs),
    F("stat", fill_stat),
    F("partitions", fill_partitions),
    F("swaps", fill_swaps),
    D("sys", proc_sys_entries),
    D("sysvipc", sysvipc_entries),
    {.name = "thread-self", .kind = PROC_LINK, .mode = 0777, .target = target_thread_self},
    F("uptime", fill_uptime),
    F("version", fill_version),
    {.name = "vmstat", .kind = PROC_FILE, .mode = 0444, .ask = ask_memory, .fill = fill_vmstat},
    {0},
};
