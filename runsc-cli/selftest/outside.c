/* What the host's /proc says about each process of the sandbox. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/empty_root.h"
#include "base/macros.h"
#include "platform/platform.h"
#include "runsc-cli/selftest/selftest.h"

struct status {
    char name[32], pids[80];
    int parent, tracer, no_new_privs, seccomp;
    unsigned long long inheritable, permitted, effective, bounding, ambient;
};

static int status_read(const char *dir, struct status *st)
{
    char path[320], line[256];

    *st = (struct status){.seccomp = -1};
    snprintf(path, sizeof(path), "%s/status", dir);
    cleanup_file_stream FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "Name: %31s", st->name);
        sscanf(line, "PPid: %d", &st->parent);
        sscanf(line, "TracerPid: %d", &st->tracer);
        sscanf(line, "NSpid: %79[^\n]", st->pids);
        sscanf(line, "CapInh: %llx", &st->inheritable);
        sscanf(line, "CapPrm: %llx", &st->permitted);
        sscanf(line, "CapEff: %llx", &st->effective);
        sscanf(line, "CapBnd: %llx", &st->bounding);
        sscanf(line, "CapAmb: %llx", &st->ambient);
        sscanf(line, "NoNewPrivs: %d", &st->no_new_privs);
        sscanf(line, "Seccomp: %d", &st->seccomp);
    }
    return 0;
}

/* How many pid namespaces the process is in, as we see it. */
static int depth(const struct status *st)
{
    int n = 0;

    for (const char *p = st->pids; *p;) {
        n++;
        while (*p && !isspace((unsigned char)*p))
            p++;
        while (isspace((unsigned char)*p))
            p++;
    }
    return n;
}

static void look_at_namespaces(const char *who, pid_t pid, bool is_gofer)
{
    static const char *const kinds[] = {"mnt", "net", "ipc", "uts", "pid", "user"};
    char path[64], own[64], theirs[64], same[64] = "";
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds) - (is_gofer ? 2 : 0); i++) {
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
        ssize_t a = readlink(path, own, sizeof(own));
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kinds[i]);
        ssize_t b = readlink(path, theirs, sizeof(theirs));
        if (b < 0)
            return; /* not shown to ordinary users */
        if (a == b && !memcmp(own, theirs, (size_t)a) && len < sizeof(same) - 8)
            len += (size_t)snprintf(same + len, sizeof(same) - len, " %s", kinds[i]);
    }
    fact_add(who, !len, "namespaces of its own", "%s", same);
}

static void look_at_process(const char *who, pid_t pid, uint64_t may, bool is_guest)
{
    struct status st, self;
    char dir[32];

    snprintf(dir, sizeof(dir), "/proc/%d", pid);
    int err = status_read(dir, &st);
    status_read("/proc/self", &self);
    if (err) {
        fact_add(who, false, "the host shows it", "%s", strerrorname_np(-err));
        return;
    }
    if (is_guest && platform == &platform_ptrace)
        fact_add(who, st.tracer == st.parent, "its calls are caught by the sentry", "tracer %d",
                 st.tracer);
    else
        fact_add(who, st.seccomp == 2, "a filter, says the host", "%d", st.seccomp);
    fact_add(who, st.no_new_privs == 1, "no_new_privs, says the host", "%d", st.no_new_privs);
    unsigned long long caps =
        st.inheritable | st.permitted | st.effective | st.bounding | st.ambient;
    fact_add(who, !(caps & ~may), "no capabilities but what it needs, says the host", "%#llx",
             caps);
    if (strcmp(who, "gofer"))
        fact_add(who, depth(&st) > depth(&self), "a pid namespace of its own", "pids%s", st.pids);
    look_at_namespaces(who, pid, !strcmp(who, "gofer"));
}

void outside_look(pid_t sentry, pid_t gofer)
{
    struct dirent *de;
    struct status st;
    char dir[300];
    int guests = 0;

    look_at_process("sentry", sentry, 0, false);
    look_at_process("gofer", gofer, CAPS_FILE_SERVICE, false);
    DIR *d = opendir("/proc");
    while (d && (de = readdir(d))) {
        snprintf(dir, sizeof(dir), "/proc/%s", de->d_name);
        if (atoi(de->d_name) <= 0 || status_read(dir, &st) || st.parent != sentry)
            continue;
        guests++;
        look_at_process("guest", atoi(de->d_name), 0, true);
    }
    if (d)
        closedir(d);
    fact_add("guest", guests > 0, "its processes are the sentry's children", "%d", guests);
}
