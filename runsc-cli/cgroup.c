/* See cgroup.h. The directory's name carries our pid, so that what a killed `nv` left is known. */
#include "runsc-cli/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"

#define PREFIX "nv-"
#define REMOVE_TRIES 200

static int write_value(const char *dir, const char *name, const char *value)
{
    cleanup_free char *path = NULL;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return -ENOMEM;
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* The path of our group in the hierarchy of the memory controller, and its version. */
static char *own_path(int *version)
{
    cleanup_file_stream FILE *f = fopen("/proc/self/cgroup", "re");
    char line[4096], *unified = NULL, *memory = NULL;

    while (f && fgets(line, sizeof(line), f)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        if (!strcmp(list + 1, "memory") && !memory)
            memory = strdup(path);
        else if (!list[1] && !unified)
            unified = strdup(path);
    }
    *version = memory ? 1 : 2;
    if (memory)
        free(unified);
    return memory ? memory : unified;
}

/* Where the hierarchy is mounted: proc_pid_mountinfo(5). */
static char *mount_point(int version, char **root)
{
    cleanup_file_stream FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[4096], at[2048], from[2048], type[64], options[512];

    while (f && fgets(line, sizeof(line), f)) {
        char *dash = strstr(line, " - ");
        if (!dash || sscanf(line, "%*d %*d %*s %2047s %2047s", from, at) != 2 ||
            sscanf(dash, " - %63s %*s %511s", type, options) != 2)
            continue;
        if (version == 2 ? strcmp(type, "cgroup2") != 0
                         : strcmp(type, "cgroup") != 0 || !strstr(options, "memory"))
            continue;
        *root = strdup(from);
        return strdup(at);
    }
    return NULL;
}

/* Groups of `nv` processes that were killed: they are empty, since their members end with them. */
static void sweep(const char *parent)
{
    DIR *d = opendir(parent);
    struct dirent *ent;

    while (d && (ent = readdir(d))) {
        if (strncmp(ent->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        pid_t pid = (pid_t)strtol(ent->d_name + strlen(PREFIX), NULL, 10);
        if (pid > 0 && kill(pid, 0) && errno == ESRCH)
            unlinkat(dirfd(d), ent->d_name, AT_REMOVEDIR);
    }
    if (d)
        closedir(d);
}

/* Version 2 gives controllers only to groups without members of their own: go beside ourselves. */
static char *parent_dir(int *version)
{
    cleanup_free char *own = own_path(version), *root = NULL, *mnt = NULL;
    char *dir = NULL;

    if (!own)
        return NULL;
    mnt = mount_point(*version, &root);
    if (!mnt)
        return NULL;
    if (root && strcmp(root, "/") != 0 && !strncmp(own, root, strlen(root)))
        memmove(own, own + strlen(root), strlen(own + strlen(root)) + 1);
    if (*version == 2 && strrchr(own, '/'))
        *strrchr(own, '/') = 0;
    if (asprintf(&dir, "%s%s", mnt, own) < 0)
        return NULL;
    return dir;
}

static int set_memory(const struct cgroup *g, uint64_t bytes)
{
    char value[32];

    snprintf(value, sizeof(value), "%llu", (unsigned long long)bytes);
    int err = write_value(g->dir, g->version == 2 ? "memory.max" : "memory.limit_in_bytes", value);
    if (err)
        return err;
    /* No swap on top of it, where the host accounts swap. */
    if (g->version == 2)
        err = write_value(g->dir, "memory.swap.max", "0");
    else
        err = write_value(g->dir, "memory.memsw.limit_in_bytes", value);
    return err == -ENOENT || err == -EACCES ? 0 : err;
}

int cgroup_new(struct cgroup *g, uint64_t memory_bytes, struct error *e)
{
    static unsigned int made;
    cleanup_free char *parent = parent_dir(&g->version);
    int err = -ENOENT;

    if (parent) {
        sweep(parent);
        if (asprintf(&g->dir, "%s/" PREFIX "%d-%u", parent, getpid(), ++made) < 0)
            g->dir = NULL;
        err = !g->dir ? -ENOMEM : mkdir(g->dir, 0755) ? -errno : 0;
        if (err) {
            free(g->dir);
            g->dir = NULL;
        }
    }
    if (!err)
        err = set_memory(g, memory_bytes);
    if (!err)
        return 0;
    cgroup_remove(g);
    error_set(e, err, "--memory: making a control group%s%s", parent ? " in " : "",
              parent ? parent : "");
    error_hint(e, "a memory limit needs the memory controller of cgroups and the right to make a "
                  "group: run as root or in a delegated scope (systemd-run --user --scope -p "
                  "Delegate=yes)");
    return err;
}

int cgroup_add(const struct cgroup *g, pid_t pid, struct error *e)
{
    char value[16];

    if (!g->dir)
        return 0;
    snprintf(value, sizeof(value), "%d", pid);
    int err = write_value(g->dir, "cgroup.procs", value);
    return err ? error_set(e, err, "moving the sandbox into %s", g->dir) : 0;
}

long cgroup_oom_kills(const struct cgroup *g)
{
    cleanup_free char *path = NULL;
    char line[128];
    long n = 0;

    if (!g->dir || asprintf(&path, "%s/%s", g->dir,
                            g->version == 2 ? "memory.events" : "memory.oom_control") < 0)
        return 0;
    cleanup_file_stream FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "oom_kill %ld", &n) == 1)
            break;
    return n;
}

void cgroup_remove(struct cgroup *g)
{
    const struct timespec pause = {0, 5 * NSEC_PER_MSEC};

    for (int i = 0; g->dir && rmdir(g->dir) && errno == EBUSY && i < REMOVE_TRIES; i++)
        nanosleep(&pause, NULL);
    free(g->dir);
    g->dir = NULL;
}
