/*
 * proc(5): /proc/PID and /proc/PID/task/TID have these names, status and others these keys, in this
 * order. Names that only some kernels have (security modules, tracers, KSM, NUMA...), or that are
 * about the host, are not asked for.
 */
#include <dirent.h>

#include "shape.h"

static const char *const of_both[] = {
    "auxv",       "cgroup",   "cmdline",   "comm",      "cpuset",        "cwd",
    "environ",    "exe",      "fd",        "fdinfo",    "gid_map",       "io",
    "limits",     "loginuid", "maps",      "mem",       "mountinfo",     "mounts",
    "net",        "ns",       "oom_adj",   "oom_score", "oom_score_adj", "personality",
    "projid_map", "root",     "sessionid", "setgroups", "smaps",         "smaps_rollup",
    "stat",       "statm",    "status",    "uid_map",   "wchan",         NULL};
static const char *const of_process[] = {"coredump_filter", "mountstats",    "task",
                                         "timers",          "timerslack_ns", NULL};
static const char *const of_thread[] = {"children", NULL};

static bool listed(const char *dir, const char *name)
{
    DIR *d = opendir(dir);
    bool found = false;

    for (struct dirent *e; d && (e = readdir(d));)
        found |= !strcmp(e->d_name, name);
    if (d)
        closedir(d);
    return found;
}

static void names(const char *what, const char *dir, const char *const *list, bool there)
{
    char path[256];
    struct stat st;

    for (; *list; list++) {
        snprintf(path, sizeof(path), "%s/%s", dir, *list);
        bool found = !lstat(path, &st);
        ok(found == there && listed(dir, *list) == there, "%s has %s%s", what, there ? "" : "no ",
           *list);
        if (there)
            printf("# mode %o\n", st.st_mode);
    }
}

/* Lines begin with these, in this order; there may be others between them. */
static void keys(const char *path, const char *const *list)
{
    const char *at = text_of(path);

    for (; *list; list++) {
        char key[64];
        snprintf(key, sizeof(key), "%s:", *list);
        const char *found = at;
        while (found && strncmp(found, key, strlen(key)))
            found = strchr(found, '\n') ? strchr(found, '\n') + 1 : NULL;
        ok(found, "%s: %s is there and in its place", path, *list);
        at = found ? found : at;
    }
}

int main(void)
{
    static const char *const status[] = {"Name",
                                         "Umask",
                                         "State",
                                         "Tgid",
                                         "Ngid",
                                         "Pid",
                                         "PPid",
                                         "TracerPid",
                                         "Uid",
                                         "Gid",
                                         "FDSize",
                                         "Groups",
                                         "NStgid",
                                         "NSpid",
                                         "NSpgid",
                                         "NSsid",
                                         "Kthread",
                                         "VmPeak",
                                         "VmSize",
                                         "VmLck",
                                         "VmPin",
                                         "VmHWM",
                                         "VmRSS",
                                         "RssAnon",
                                         "RssFile",
                                         "RssShmem",
                                         "VmData",
                                         "VmStk",
                                         "VmExe",
                                         "VmLib",
                                         "VmSwap",
                                         "CoreDumping",
                                         "Threads",
                                         "SigQ",
                                         "SigPnd",
                                         "ShdPnd",
                                         "SigBlk",
                                         "SigIgn",
                                         "SigCgt",
                                         "CapInh",
                                         "CapPrm",
                                         "CapEff",
                                         "CapBnd",
                                         "CapAmb",
                                         "NoNewPrivs",
                                         "Seccomp",
                                         "Seccomp_filters",
                                         "Cpus_allowed",
                                         "Cpus_allowed_list",
                                         "Mems_allowed",
                                         "Mems_allowed_list",
                                         "voluntary_ctxt_switches",
                                         "nonvoluntary_ctxt_switches",
                                         NULL};
    static const char *const io[] = {
        "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes",
        NULL};
    char thread[64];

    snprintf(thread, sizeof(thread), "/proc/self/task/%d", getpid());
    names("a process", "/proc/self", of_both, true);
    names("a process", "/proc/self", of_process, true);
    names("a process", "/proc/self", of_thread, false);
    names("a thread", thread, of_both, true);
    names("a thread", thread, of_thread, true);
    names("a thread", thread, of_process, false);
    keys("/proc/self/status", status);
    keys("/proc/self/io", io);
    is_shape("stat", text_of("/proc/self/stat"),
             "# (names) R # # # # # # # # # # # # # # # # # 0 # # # # # # # 0 0 # # # # 0 0 0 # # "
             "# # # # # # # # # # # # #\n");
    is_shape("statm", text_of("/proc/self/statm"), "# # # # 0 # 0\n");
    is_shape("oom_score", text_of("/proc/self/oom_score"), "#\n");
    is_shape("oom_adj", text_of("/proc/self/oom_adj"), "#\n");
    is_shape("timerslack_ns", text_of("/proc/self/timerslack_ns"), "50000\n");
    is_shape("personality", text_of("/proc/self/personality"), "@\n");
    is_shape("sessionid", text_of("/proc/self/sessionid"), "#");
    is_shape("loginuid", text_of("/proc/self/loginuid"), "#");
    is_shape("wchan", text_of("/proc/self/wchan"), "0");
    done();
}
