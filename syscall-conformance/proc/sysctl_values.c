/*
 * proc(5): these files of /proc/sys and of /proc itself are there, may be read by all, and have the
 * shape that programs expect. Values are the machine's.
 */
#include <dirent.h>

#include "shape.h"

static const struct {
    const char *name, *shape;
} files[] = {
    {"sys/fs/aio-max-nr", "#\n"},
    {"sys/fs/aio-nr", "#\n"},
    {"sys/fs/dentry-state", "#\t#\t#\t#\t#\t#\n"},
    {"sys/fs/epoll/max_user_watches", "#\n"},
    {"sys/fs/file-max", "#\n"},
    {"sys/fs/file-nr", "#\t0\t#\n"},
    {"sys/fs/inotify/max_queued_events", "#\n"},
    {"sys/fs/inotify/max_user_instances", "#\n"},
    {"sys/fs/inotify/max_user_watches", "#\n"},
    {"sys/fs/lease-break-time", "#\n"},
    {"sys/fs/leases-enable", "#\n"},
    {"sys/fs/mount-max", "#\n"},
    {"sys/fs/nr_open", "#\n"},
    {"sys/fs/overflowgid", "65534\n"},
    {"sys/fs/overflowuid", "65534\n"},
    {"sys/fs/pipe-max-size", "#\n"},
    {"sys/fs/pipe-user-pages-hard", "#\n"},
    {"sys/fs/pipe-user-pages-soft", "#\n"},
    {"sys/fs/protected_fifos", "#\n"},
    {"sys/fs/protected_hardlinks", "#\n"},
    {"sys/fs/protected_regular", "#\n"},
    {"sys/fs/protected_symlinks", "#\n"},
    {"sys/fs/suid_dumpable", "#\n"},
    {"sys/kernel/arch", "x86_64\n"},
    {"sys/kernel/auto_msgmni", "0\n"},
    {"sys/kernel/cap_last_cap", "#\n"},
    {"sys/kernel/core_pattern", "~\n"},
    {"sys/kernel/core_pipe_limit", "#\n"},
    {"sys/kernel/core_uses_pid", "#\n"},
    {"sys/kernel/ctrl-alt-del", "#\n"},
    {"sys/kernel/domainname", "~\n"},
    {"sys/kernel/hostname", "~\n"},
    {"sys/kernel/kptr_restrict", "#\n"},
    {"sys/kernel/msg_next_id", "-1\n"},
    {"sys/kernel/msgmax", "#\n"},
    {"sys/kernel/msgmnb", "#\n"},
    {"sys/kernel/msgmni", "#\n"},
    {"sys/kernel/ngroups_max", "65536\n"},
    {"sys/kernel/ns_last_pid", "#\n"},
    {"sys/kernel/osrelease", "~\n"},
    {"sys/kernel/ostype", "Linux\n"},
    {"sys/kernel/overflowgid", "65534\n"},
    {"sys/kernel/overflowuid", "65534\n"},
    {"sys/kernel/panic_on_oops", "#\n"},
    {"sys/kernel/perf_event_paranoid", "#\n"},
    {"sys/kernel/pid_max", "#\n"},
    {"sys/kernel/print-fatal-signals", "#\n"},
    {"sys/kernel/printk", "#\t#\t#\t#\n"},
    {"sys/kernel/pty/max", "#\n"},
    {"sys/kernel/random/boot_id", "@-@-@-@-@\n"},
    {"sys/kernel/random/entropy_avail", "256\n"},
    {"sys/kernel/random/poolsize", "256\n"},
    {"sys/kernel/random/urandom_min_reseed_secs", "60\n"},
    {"sys/kernel/random/uuid", "@-@-@-@-@\n"},
    {"sys/kernel/random/write_wakeup_threshold", "256\n"},
    {"sys/kernel/randomize_va_space", "#\n"},
    {"sys/kernel/sched_rr_timeslice_ms", "#\n"},
    {"sys/kernel/sched_rt_period_us", "#\n"},
    {"sys/kernel/sched_rt_runtime_us", "#\n"},
    {"sys/kernel/seccomp/actions_avail",
     "kill_process kill_thread trap errno user_notif trace log allow\n"},
    {"sys/kernel/seccomp/actions_logged", "~\n"},
    {"sys/kernel/sem", "#\t#\t#\t#\n"},
    {"sys/kernel/sem_next_id", "-1\n"},
    {"sys/kernel/shm_next_id", "-1\n"},
    {"sys/kernel/shm_rmid_forced", "#\n"},
    {"sys/kernel/shmall", "#\n"},
    {"sys/kernel/shmmax", "#\n"},
    {"sys/kernel/shmmni", "#\n"},
    {"sys/kernel/sysctl_writes_strict", "1\n"},
    {"sys/kernel/tainted", "#\n"},
    {"sys/kernel/threads-max", "#\n"},
    {"sys/kernel/version", "~\n"},
    {"sys/net/core/rmem_default", "#\n"},
    {"sys/net/core/rmem_max", "#\n"},
    {"sys/net/core/somaxconn", "#\n"},
    {"sys/net/core/wmem_default", "#\n"},
    {"sys/net/core/wmem_max", "#\n"},
    {"sys/net/unix/max_dgram_qlen", "#\n"},
    {"sys/user/max_ipc_namespaces", "#\n"},
    {"sys/user/max_mnt_namespaces", "#\n"},
    {"sys/user/max_pid_namespaces", "#\n"},
    {"sys/user/max_time_namespaces", "#\n"},
    {"sys/user/max_user_namespaces", "#\n"},
    {"sys/user/max_uts_namespaces", "#\n"},
    {"sys/vm/admin_reserve_kbytes", "#\n"},
    {"sys/vm/dirty_background_bytes", "#\n"},
    {"sys/vm/dirty_background_ratio", "#\n"},
    {"sys/vm/dirty_bytes", "#\n"},
    {"sys/vm/dirty_ratio", "#\n"},
    {"sys/vm/legacy_va_layout", "#\n"},
    {"sys/vm/max_map_count", "#\n"},
    {"sys/vm/min_free_kbytes", "#\n"},
    {"sys/vm/mmap_min_addr", "#\n"},
    {"sys/vm/nr_hugepages", "#\n"},
    {"sys/vm/nr_overcommit_hugepages", "#\n"},
    {"sys/vm/oom_dump_tasks", "#\n"},
    {"sys/vm/overcommit_kbytes", "#\n"},
    {"sys/vm/overcommit_memory", "#\n"},
    {"sys/vm/overcommit_ratio", "#\n"},
    {"sys/vm/page-cluster", "#\n"},
    {"sys/vm/panic_on_oom", "#\n"},
    {"sys/vm/swappiness", "#\n"},
    {"sys/vm/unprivileged_userfaultfd", "#\n"},
    {"sys/vm/user_reserve_kbytes", "#\n"},
    {"sys/vm/vfs_cache_pressure", "#\n"},
    {"loadavg", "#.# #.# #.# #/# #\n"},
    {"uptime", "#.# #.#\n"},
    {"version", "Linux version ~\n"},
};

static const char *const others[] = {"cgroups",  "cmdline",   "consoles",    "cpuinfo",
                                     "devices",  "diskstats", "filesystems", "interrupts",
                                     "locks",    "meminfo",   "misc",        "partitions",
                                     "softirqs", "stat",      "swaps",       "vmstat"};

/* The value of the first line that begins with key; -1: none. */
static long value(const char *text, const char *key)
{
    for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
        if (!strncmp(text, key, strlen(key)) && text[strlen(key)] == ' ')
            return atol(text + strlen(key));
    return -1;
}

static void stat_counts(void)
{
    long forks = value(text_of("/proc/stat"), "processes"),
         began = value(text_of("/proc/stat"), "btime");
    long switches = value(text_of("/proc/stat"), "ctxt");

    for (int i = 0; i < 5; i++) {
        int status;
        pid_t pid = fork();
        if (!pid) {
            usleep(1000);
            _exit(0);
        }
        waitpid(pid, &status, 0);
    }
    ok(value(text_of("/proc/stat"), "processes") >= forks + 5, "processes counts forks");
    ok(value(text_of("/proc/stat"), "ctxt") >= switches + 5, "ctxt counts switches");
    ok(labs(value(text_of("/proc/stat"), "btime") - began) <= 1, "btime stays");
    ok(value(text_of("/proc/stat"), "procs_running") >= 1, "who reads it runs");
    ok(value(text_of("/proc/stat"), "procs_blocked") >= 0, "procs_blocked");
    ok(value(text_of("/proc/stat"), "cpu") >= 0 && value(text_of("/proc/stat"), "cpu0") >= 0 &&
           value(text_of("/proc/stat"), "softirq") >= 0,
       "lines of processors and interrupts");
}

static long cpu_ticks(void)
{
    long user = 0, nice = 0, system = 0;

    sscanf(text_of("/proc/stat"), "cpu %ld %ld %ld", &user, &nice, &system);
    return user + nice + system;
}

/* What processes have used does not go when they go. */
static void cpu_time_stays(void)
{
    long used, before = cpu_ticks();
    pid_t pid = fork();

    if (!pid) {
        struct timespec t = {0};
        while (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) && t.tv_nsec < 150000000)
            ;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    used = cpu_ticks() - before;
    ok(used >= 10, "the time of a child that was waited for stays in /proc/stat");
    if (used < 10)
        printf("# %ld\n", used);
}

int main(void)
{
    char path[128];
    struct stat st;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%s", files[i].name);
        is_shape(path, text_of(path), files[i].shape);
        ok(!stat(path, &st) && (st.st_mode & 07444) == 0444, "all may read it");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%s", others[i]);
        ok(!access(path, R_OK), "%s is there", path);
    }
    stat_counts();
    cpu_time_stays();
    done();
}
