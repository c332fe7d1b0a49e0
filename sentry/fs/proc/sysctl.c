/* /proc/sys: what programs ask about limits and switches of the kernel. Only limits of IPC can be
 * set (sysctl_ipc.c). */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/macros.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/ipc/aio.h"
#include "sentry/ipc/epoll.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"

static int fill_hostname(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%s\n", (t && t->uts ? t->uts : uts_root())->nodename);
    return 0;
}

static int fill_domainname(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%s\n", (t && t->uts ? t->uts : uts_root())->domainname);
    return 0;
}

static int store_hostname(struct task *t, const char *buf, size_t len)
{
    uts_set_name(t->uts->nodename, buf, strcspn(buf, "\n"));
    change_made(&nodename_change);
    return 0;
}

static int store_domainname(struct task *t, const char *buf, size_t len)
{
    uts_set_name(t->uts->domainname, buf, strcspn(buf, "\n"));
    change_made(&domainname_change);
    return 0;
}

static int fill_boot_id(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%s\n", sandbox->boot_id);
    return 0;
}

/* RFC 4122, version 4; another one at each read. */
static int fill_uuid(struct task *t, struct strbuf *out)
{
    unsigned char b[16];

    if (getrandom(b, sizeof(b), GRND_NONBLOCK) != sizeof(b))
        return -EAGAIN;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++)
        strbuf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    strbuf_puts(out, "\n");
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
CONST_FILE(fill_cap_last, "40")
CONST_FILE(fill_65536, "65536")
CONST_FILE(fill_65530, "65530")
CONST_FILE(fill_1048576, "1048576")
CONST_FILE(fill_entropy, "256")
CONST_FILE(fill_4096, "4096")
CONST_FILE(fill_16384, "16384")
CONST_FILE(fill_0, "0")
CONST_FILE(fill_1, "1")
CONST_FILE(fill_2, "2")
CONST_FILE(fill_4, "4")
CONST_FILE(fill_10, "10")
CONST_FILE(fill_50, "50")
CONST_FILE(fill_60, "60")
CONST_FILE(fill_100, "100")
CONST_FILE(fill_rr_timeslice, "100")
CONST_FILE(fill_rt_period, "1000000")
CONST_FILE(fill_rt_runtime, "950000")
CONST_FILE(fill_printk, "4\t4\t1\t7")
CONST_FILE(fill_modprobe, "/sbin/modprobe")
CONST_FILE(fill_dentry_state, "0\t0\t45\t0\t0\t0")
CONST_FILE(fill_overflowid, "65534")
CONST_FILE(fill_arch, "x86_64")
CONST_FILE(fill_next_id, "-1")
CONST_FILE(fill_none, "")
CONST_FILE(fill_seccomp_actions, "kill_process kill_thread trap errno user_notif trace log allow")
CONST_FILE(fill_socket_memory, "212992") /* sentry/socket/options.c */

#define NUMBER_FILE(fn, value)                                                                     \
    static int fn(struct task *t, struct strbuf *out)                                              \
    {                                                                                              \
        strbuf_printf(out, "%lu\n", (unsigned long)(value));                                       \
        return 0;                                                                                  \
    }
NUMBER_FILE(fill_threads_max, TASKS_MAX)
NUMBER_FILE(fill_file_max, file_count_max())
NUMBER_FILE(fill_epoll_watches, epoll_watches_max())
NUMBER_FILE(fill_inotify_watches, inotify_watches_max())
NUMBER_FILE(fill_inotify_instances, INOTIFY_INSTANCES_MAX)
NUMBER_FILE(fill_namespaces, NAMESPACES_MAX)
NUMBER_FILE(fill_mount_max, MOUNTS_MAX)
NUMBER_FILE(fill_ptys, PTYS_MAX)

/* proc_sys_fs(5): free ones are always 0 */
static int fill_file_nr(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%lu\t0\t%lu\n", (unsigned long)file_count(),
                  (unsigned long)file_count_max());
    return 0;
}

static int fill_last_pid(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%d\n", id_nr(task_last_id()));
    return 0;
}

/* Where they go is the host's: without --core nowhere. */
static int fill_core_pattern(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, sandbox->core ? "core.%e.%p\n" : "\n");
    return 0;
}

static int fill_aio_nr(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%lu\n", (unsigned long)aio_nr());
    return 0;
}

#define F(n, f)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0444, .fill = (f), .sysctl = true                  \
    }
#define W(n, f)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0644, .fill = proc_fill_##f,                       \
        .store = proc_store_##f, .sysctl = true                                                    \
    }
/* A string that poll(2) tells changes of. */
#define S(n, f, c)                                                                                 \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0644, .fill = fill_##f, .store = store_##f,        \
        .change = &(c), .sysctl = true                                                             \
    }
#define D(n, c)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_DIR, .mode = 0555, .children = (c)                               \
    }

static const struct proc_entry random_entries[] = {F("boot_id", fill_boot_id),
                                                   F("entropy_avail", fill_entropy),
                                                   F("poolsize", fill_entropy),
                                                   F("urandom_min_reseed_secs", fill_60),
                                                   F("write_wakeup_threshold", fill_entropy),
                                                   F("uuid", fill_uuid),
                                                   {0}};
static const struct proc_entry pty_entries[] = {F("max", fill_ptys), {0}};
/* Nothing is logged. */
static const struct proc_entry seccomp_entries[] = {
    F("actions_avail", fill_seccomp_actions), F("actions_logged", fill_none), {0}};
static const struct proc_entry kernel_entries[] = {F("arch", fill_arch),
                                                   F("auto_msgmni", fill_0),
                                                   F("cap_last_cap", fill_cap_last),
                                                   F("core_pattern", fill_core_pattern),
                                                   F("core_pipe_limit", fill_0),
                                                   F("core_uses_pid", fill_0),
                                                   F("ctrl-alt-del", fill_0),
                                                   F("dmesg_restrict", fill_0),
                                                   S("domainname", domainname, domainname_change),
                                                   S("hostname", hostname, nodename_change),
                                                   F("kptr_restrict", fill_2),
                                                   F("modprobe", fill_modprobe),
                                                   F("msg_next_id", fill_next_id),
                                                   W("msgmax", msgmax),
                                                   W("msgmnb", msgmnb),
                                                   W("msgmni", msgmni),
                                                   F("ngroups_max", fill_65536),
                                                   F("ns_last_pid", fill_last_pid),
                                                   F("numa_balancing", fill_0),
                                                   F("osrelease", fill_osrelease),
                                                   F("ostype", fill_ostype),
                                                   F("overflowgid", fill_overflowid),
                                                   F("overflowuid", fill_overflowid),
                                                   F("panic", fill_0),
                                                   F("panic_on_oops", fill_0),
                                                   F("perf_event_paranoid", fill_4),
                                                   F("pid_max", fill_pid_max),
                                                   F("print-fatal-signals", fill_0),
                                                   F("printk", fill_printk),
                                                   D("pty", pty_entries),
                                                   D("random", random_entries),
                                                   F("randomize_va_space", fill_2),
                                                   F("sched_autogroup_enabled", fill_0),
                                                   F("sched_rr_timeslice_ms", fill_rr_timeslice),
                                                   F("sched_rt_period_us", fill_rt_period),
                                                   F("sched_rt_runtime_us", fill_rt_runtime),
                                                   D("seccomp", seccomp_entries),
                                                   W("sem", sem),
                                                   F("sem_next_id", fill_next_id),
                                                   F("shm_next_id", fill_next_id),
                                                   F("shm_rmid_forced", fill_0),
                                                   W("shmall", shmall),
                                                   W("shmmax", shmmax),
                                                   W("shmmni", shmmni),
                                                   F("sysctl_writes_strict", fill_1),
                                                   F("sysrq", fill_0),
                                                   F("tainted", fill_0),
                                                   F("threads-max", fill_threads_max),
                                                   F("unprivileged_bpf_disabled", fill_2),
                                                   F("version", fill_os_version),
                                                   {0}};
static const struct proc_entry vm_entries[] = {F("admin_reserve_kbytes", fill_0),
                                               F("compact_memory", fill_0),
                                               F("dirty_background_bytes", fill_0),
                                               F("dirty_background_ratio", fill_0),
                                               F("dirty_bytes", fill_0),
                                               F("dirty_ratio", fill_0),
                                               F("drop_caches", fill_0),
                                               F("hugetlb_shm_group", fill_0),
                                               F("laptop_mode", fill_0),
                                               F("legacy_va_layout", fill_0),
                                               F("max_map_count", fill_65530),
                                               F("min_free_kbytes", fill_0),
                                               F("mmap_min_addr", fill_65536),
                                               F("nr_hugepages", fill_0),
                                               F("nr_overcommit_hugepages", fill_0),
                                               F("oom_dump_tasks", fill_0),
                                               F("oom_kill_allocating_task", fill_0),
                                               F("overcommit_kbytes", fill_0),
                                               F("overcommit_memory", fill_1),
                                               F("overcommit_ratio", fill_50),
                                               F("page-cluster", fill_0),
                                               F("panic_on_oom", fill_0),
                                               F("swappiness", fill_60),
                                               F("unprivileged_userfaultfd", fill_0),
                                               F("user_reserve_kbytes", fill_0),
                                               F("vfs_cache_pressure", fill_100),
                                               F("zone_reclaim_mode", fill_0),
                                               {0}};
static const struct proc_entry inotify_entries[] = {F("max_queued_events", fill_16384),
                                                    F("max_user_instances", fill_inotify_instances),
                                                    F("max_user_watches", fill_inotify_watches),
                                                    {0}};
static const struct proc_entry epoll_entries[] = {F("max_user_watches", fill_epoll_watches), {0}};
static const struct proc_entry mqueue_entries[] = {
    W("msg_default", mq_msg_default),         W("msg_max", mq_msg_max),
    W("msgsize_default", mq_msgsize_default), W("msgsize_max", mq_msgsize_max),
    W("queues_max", mq_queues_max),           {0}};
static const struct proc_entry fs_entries[] = {F("aio-max-nr", fill_65536),
                                               F("aio-nr", fill_aio_nr),
                                               F("dentry-state", fill_dentry_state),
                                               F("dir-notify-enable", fill_0),
                                               D("epoll", epoll_entries),
                                               F("file-max", fill_file_max),
                                               F("file-nr", fill_file_nr),
                                               D("inotify", inotify_entries),
                                               F("lease-break-time", fill_0),
                                               F("leases-enable", fill_0),
                                               D("mqueue", mqueue_entries),
                                               F("mount-max", fill_mount_max),
                                               F("nr_open", fill_1048576),
                                               F("overflowgid", fill_overflowid),
                                               F("overflowuid", fill_overflowid),
                                               F("pipe-max-size", fill_1048576),
                                               F("pipe-user-pages-hard", fill_0),
                                               F("pipe-user-pages-soft", fill_16384),
                                               F("protected_fifos", fill_0),
                                               F("protected_hardlinks", fill_1),
                                               F("protected_regular", fill_0),
                                               F("protected_symlinks", fill_0),
                                               F("suid_dumpable", fill_0),
                                               {0}};
static const struct proc_entry net_core_entries[] = {F("rmem_default", fill_socket_memory),
                                                     F("rmem_max", fill_socket_memory),
                                                     F("somaxconn", fill_4096),
                                                     F("wmem_default", fill_socket_memory),
                                                     F("wmem_max", fill_socket_memory),
                                                     {0}};
static const struct proc_entry net_unix_entries[] = {F("max_dgram_qlen", fill_10), {0}};
static const struct proc_entry net_entries[] = {
    D("core", net_core_entries), D("unix", net_unix_entries), {0}};

static const struct proc_entry user_entries[] = {F("max_cgroup_namespaces", fill_namespaces),
                                                 F("max_inotify_instances", fill_inotify_instances),
                                                 F("max_inotify_watches", fill_inotify_watches),
                                                 F("max_ipc_namespaces", fill_namespaces),
                                                 F("max_mnt_namespaces", fill_namespaces),
                                                 F("max_net_namespaces", fill_namespaces),
                                                 F("max_pid_namespaces", fill_namespaces),
                                                 F("max_time_namespaces", fill_0),
                                                 F("max_user_namespaces", fill_namespaces),
                                                 F("max_uts_namespaces", fill_namespaces),
                                                 {0}};

const struct proc_entry proc_sys_entries[] = {D("fs", fs_entries),   D("kernel", kernel_entries),
                                              D("net", net_entries), D("user", user_entries),
                                              D("vm", vm_entries),   {0}};
