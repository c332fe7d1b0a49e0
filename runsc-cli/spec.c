/* See spec.h. */
#include "runsc-cli/spec.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/manifest.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/core.h"
#include "runsc-cli/function.h"
#include "runsc-cli/perfmap.h"
#include "runsc-cli/text.h"
#include "sentry/fs/erofs/format.h"

extern char **environ;

/* --- identity and hardware --- */
/* --cpus N: some N of the CPUs we may use; which of them differs between sandboxes. */
static int fill_cpus(struct spawn *sp, const struct run_options *o, struct error *e)
{
    cpu_set_t all;
    int n, first = getpid() % CPU_SETSIZE;

    CPU_ZERO(&all);
    if (sched_getaffinity(0, sizeof(all), &all))
        return error_set(e, -errno, "asking for the CPUs that may be used"), EXIT_NV;
    n = CPU_COUNT(&all);
    if (o->cpus > n) {
        error_set(e, 0, "--cpus %d: there are only %d", o->cpus, n);
        return EXIT_USAGE;
    }
    sp->spec.ncpus = sp->spec.host_cpus = o->cpus ? o->cpus : n;
    if (!o->cpus) {
        sp->cpus = all;
        return 0;
    }
    CPU_ZERO(&sp->cpus);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&sp->cpus) < o->cpus; i++)
        if (CPU_ISSET((first + i) % CPU_SETSIZE, &all))
            CPU_SET((first + i) % CPU_SETSIZE, &sp->cpus);
    return 0;
}

/* What no other sandbox has. */
static void make_ids(struct sandbox_spec *s)
{
    unsigned char r[32];
    struct timespec ts;

    if (getentropy(r, sizeof(r))) { /* never with a kernel that can do the rest */
        fprintf(stderr, "nv: no random numbers: %s\n", strerror(errno));
        exit(EXIT_NV);
    }
    r[6] = (r[6] & 15) | 0x40;
    r[8] = (r[8] & 63) | 0x80;
    snprintf(s->boot_id, sizeof(s->boot_id),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
             r[15]);
    for (int i = 0; i < 16; i++)
        snprintf(s->machine_id + 2 * i, 3, "%02x", r[16 + i]);
    clock_gettime(CLOCK_MONOTONIC, &ts);
    s->boot_ns = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void fill_identity(struct sandbox_spec *s, const struct run_options *o)
{
    struct sysinfo si;

    s->memory_bytes = o->memory      ? o->memory
                      : sysinfo(&si) ? 1ULL << 30
                                     : si.totalram * (uint64_t)si.mem_unit;
    s->hostname = strdup(o->hostname ? o->hostname : "nanovisor");
    make_ids(s);
    s->cpuinfo_fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
}

/* --- user --- */
/* Not getpwnam(3), which may load the libraries of any name service. */
static bool find_user(const char *name, struct sandbox_spec *s)
{
    cleanup_file_stream FILE *f = fopen("/etc/passwd", "re");
    const struct passwd *pw;

    while (f && (pw = fgetpwent(f))) {
        if (strcmp(pw->pw_name, name) != 0)
            continue;
        s->uid = pw->pw_uid;
        s->gid = pw->pw_gid;
        return true;
    }
    return false;
}

static int fill_user(struct sandbox_spec *s, const struct run_options *o, struct error *e)
{
    bool bad = false;
    char *end;

    s->uid = getuid();
    s->gid = getgid();
    s->ngroups = getgroups((int)ARRAY_SIZE(s->groups), s->groups);
    if (s->ngroups < 0)
        s->ngroups = 0;
    if (!o->user)
        return 0;
    s->ngroups = 0;
    s->uid = (uid_t)strtoul(o->user, &end, 10);
    s->gid = s->uid;
    if (end == o->user) { /* a name of the host */
        cleanup_free char *name = strndup(o->user, strcspn(o->user, ":"));
        if (!name || !find_user(name, s)) {
            error_set(e, 0, "--user %s: no such user in /etc/passwd", o->user);
            return EXIT_USAGE;
        }
        end = (char *)(uintptr_t)o->user + strcspn(o->user, ":");
    }
    if (*end == ':') {
        const char *group = end + 1;
        s->gid = (gid_t)strtoul(group, &end, 10);
        bad = end == group;
    }
    if (*end || bad) {
        error_set(e, 0, "--user %s: expected UID, UID:GID or a user name", o->user);
        return EXIT_USAGE;
    }
    return 0;
}

/* Limits are the caller's, as for a child of the shell; what nobody set is what Linux boots with.
 */
static void fill_limits(struct sandbox_spec *s)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        if (getrlimit((__rlimit_resource_t)i, &s->rlim[i]))
            s->rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
}

/* --- environment --- */
static int fill_env(struct sandbox_spec *s, const struct run_options *o)
{
    int n = 0, have = 0;

    while (environ[n])
        n++;
    s->envp = calloc((size_t)n + (size_t)o->nenv + 1, sizeof(char *));
    if (!s->envp)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        size_t len = strcspn(environ[i], "=");
        bool replaced = false;
        for (int k = 0; k < o->nenv; k++)
            replaced |= !strncmp(o->env[k], environ[i], len) && o->env[k][len] == '=';
        if (!replaced)
            s->envp[have++] = environ[i];
    }
    for (int k = 0; k < o->nenv; k++)
        if (strchr(o->env[k], '='))
            s->envp[have++] = (char *)(uintptr_t)o->env[k];
    return 0;
}

/* --- EROFS images --- */
/* What else is in it, its reader says, which is in the sandbox. */
int spec_open_image(const char *path, int *out, struct error *e)
{
    cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    uint32_t magic = 0;
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        return error_set(e, -errno, "the EROFS image %s", path);
    if (!S_ISREG(st.st_mode) ||
        pread(fd, &magic, sizeof(magic), EROFS_SUPER_OFFSET) != sizeof(magic) ||
        le32toh(magic) != EROFS_MAGIC) {
        error_say(e, -EINVAL, "%s is neither a directory nor an EROFS image", path);
        error_hint(e, "images are made by mkfs.erofs IMAGE DIR (Debian: erofs-utils)");
        return -EINVAL;
    }
    *out = steal_fd(&fd);
    return 0;
}

/* --- mounts --- */
static int fill_mounts(struct sandbox_spec *s, const struct run_options *o, struct error *e)
{
    s->mounts = calloc((size_t)o->nmounts + 1, sizeof(*s->mounts));
    if (!s->mounts)
        return EXIT_NV;
    for (int i = 0; i < o->nmounts; i++) {
        struct sandbox_mount *m = &s->mounts[i];
        cleanup_free char *copy = strdup(o->mounts[i]);
        char *dst = copy ? strchr(copy, ':') : NULL;
        if (!dst)
            return EXIT_NV;
        *dst++ = 0;
        char *mode = strchr(dst, ':');
        if (mode)
            *mode++ = 0;
        bool image = mode && !strcmp(mode, "erofs");
        if (mode && strcmp(mode, "ro") && strcmp(mode, "rw") && !image) {
            error_set(e, 0, "--mount %s: expected ro, rw or erofs at the end", o->mounts[i]);
            return EXIT_USAGE;
        }
        m->src = realpath(copy, NULL);
        if (!m->src) {
            error_set(e, -errno, "--mount %s: %s", o->mounts[i], copy);
            return EXIT_USAGE;
        }
        if (dst[0] != '/') {
            error_set(e, 0, "--mount %s: the destination must begin with /", o->mounts[i]);
            return EXIT_USAGE;
        }
        m->dst = strdup(dst);
        m->readonly = image || (mode && !strcmp(mode, "ro"));
        m->export_index = (unsigned int)i + 1;
        if (image && spec_open_image(m->src, &m->image, e))
            return EXIT_USAGE;
    }
    s->nmounts = o->nmounts;
    return 0;
}

/* --- standard streams --- */
/*
 * Pipes and terminals are opened again, without blocking: the flag belongs to the open file, which
 * the caller's shell shares with us.
 */
static int own_stream(int fd, bool *tty)
{
    struct stat st;
    char path[32];

    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || (flags & O_PATH) || fstat(fd, &st)) /* O_PATH: it was closed, main.c */
        return -1;
    *tty = isatty(fd);
    int acc = flags & O_ACCMODE;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (S_ISFIFO(st.st_mode) || *tty) {
        int own = open(path, acc | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
            return own;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void fill_stdio(struct sandbox_spec *s)
{
    for (int i = 0; i < 3; i++)
        s->stdio[i] = own_stream(i, &s->stdio_is_tty[i]);
}

static int fill_root(struct spawn *sp, const struct run_options *o, struct error *e)
{
    struct sandbox_spec *s = &sp->spec;
    struct stat st;

    sp->rootfs = o->rootfs ? o->rootfs : "/";
    s->root_overlay = true;
    if (stat(sp->rootfs, &st)) {
        error_set(e, -errno, "--rootfs %s", sp->rootfs);
        return EXIT_USAGE;
    }
    if (!S_ISDIR(st.st_mode) && spec_open_image(sp->rootfs, &s->root_image, e))
        return EXIT_USAGE;
    s->cwd = o->cwd ? strdup(o->cwd) : o->rootfs ? strdup("/") : getcwd(NULL, 0);
    if (!s->cwd || s->cwd[0] != '/') {
        error_set(e, 0, "--cwd %s: expected an absolute path", s->cwd ? s->cwd : "?");
        return EXIT_USAGE;
    }
    return 0;
}

static int fill_debugging(struct sandbox_spec *s, const struct run_options *o, struct error *e)
{
    s->strace_filter = o->strace_on ? o->strace : NULL;
    s->strace_fd = 2;
    s->explain = o->explain;
    s->io_uring = o->io_uring;
    s->checkpoint_every = o->checkpoint_every;
    s->patch = o->patch;
    s->stat = o->stat;
    s->perf_map = o->perf_map;
    if (o->perf_map && perfmap_start(e))
        return EXIT_NV;
    if (o->core && core_open(o->core, o->core_limit ? o->core_limit : CORE_LIMIT_DEFAULT, e))
        return EXIT_NV;
    /* As after ulimit -c: who asks for core files wants to get them. */
    s->core = o->core != NULL;
    if (s->core)
        s->rlim[RLIMIT_CORE] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    s->stat_fd = 2;
    s->ctl_sock = s->gofer_sock = -1;
    if (!o->stat_file)
        return 0;
    s->stat_fd = open(o->stat_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return s->stat_fd < 0 ? error_set(e, -errno, "--stat: %s", o->stat_file), EXIT_NV : 0;
}

/* What every sandbox has: a name, limits, CPUs, a root. */
static int fill_place(struct spawn *sp, const struct run_options *o, struct error *e)
{
    fill_identity(&sp->spec, o);
    fill_limits(&sp->spec);
    int code = fill_cpus(sp, o, e);
    return code ? code : fill_root(sp, o, e);
}

/* Each sandbox of an image has a name of its own. */
static char *clone_name(const struct sandbox_spec *s)
{
    char *name;

    return asprintf(&name, "nanovisor-%.8s", s->machine_id) < 0 ? NULL : name;
}

void spec_renew(struct sandbox_spec *s)
{
    make_ids(s);
    free(s->hostname);
    s->hostname = clone_name(s);
}

static int restored_user(struct sandbox_spec *s, const struct manifest *m, struct error *e)
{
    if (geteuid() != 0 && m->uid != geteuid()) {
        error_set(e, 0, "the image was saved by user %lu", (unsigned long)m->uid);
        error_hint(e, "an ordinary user restores its own images only; root restores all");
        return EXIT_NV;
    }
    s->uid = (uid_t)m->uid;
    s->gid = (gid_t)m->gid;
    s->ngroups = (int)MIN(m->ngroups, ARRAY_SIZE(s->groups));
    for (int i = 0; i < s->ngroups; i++)
        s->groups[i] = (gid_t)m->groups[i];
    return 0;
}

int spec_fill_restored(struct spawn *sp, const struct run_options *o, const struct manifest *m,
                       struct error *e)
{
    struct sandbox_spec *s = &sp->spec;
    struct run_options with = *o;

    with.memory = o->memory ? o->memory : m->memory;
    with.rootfs = o->rootfs ? o->rootfs : m->rootfs;
    with.cwd = m->cwd ? m->cwd : "/";
    if (!o->rootfs && m->rootfs && access(m->rootfs, F_OK)) {
        error_set(e, -errno, "the image's root directory, %s", text_safe(m->rootfs));
        error_hint(e, "say where it is now: --rootfs DIR");
        return EXIT_NV;
    }
    int code = fill_place(sp, &with, e);
    if (!o->hostname) {
        free(s->hostname);
        s->hostname = clone_name(s);
    }
    sp->rootfs = sp->rootfs ? strdup(sp->rootfs) : NULL; /* it outlives the image */
    if (!code)
        code = restored_user(s, m, e);
    if (!code)
        code = fill_mounts(s, &with, e);
    if (code)
        return code;
    fill_stdio(s);
    s->argv = calloc(m->command.n + 1, sizeof(char *));
    for (unsigned int i = 0; s->argv && i < m->command.n; i++)
        s->argv[i] = strdup(m->command.v[i]);
    return s->hostname && s->argv ? fill_debugging(s, o, e) : EXIT_NV;
}

int spec_fill_common(struct spawn *sp, const struct run_options *o, int argc, char **argv,
                     struct error *e)
{
    struct sandbox_spec *s = &sp->spec;

    int code = fill_place(sp, o, e);
    if (!code)
        code = fill_user(s, o, e);
    if (!code)
        code = fill_mounts(s, o, e);
    if (!code && fill_env(s, o))
        code = EXIT_NV;
    if (!code)
        code = baseline_set(s, o->cpu, e);
    if (code)
        return code;
    fill_stdio(s);
    code = fill_debugging(s, o, e);
    if (code)
        return code;
    s->argv = argv + o->first_arg;
    return 0;
}

int spec_fill(struct spawn *sp, const struct run_options *o, int argc, char **argv, struct error *e)
{
    int code = spec_fill_common(sp, o, argc, argv, e);

    return !code && function_wanted(o, argv) ? function_prepare(&sp->spec, o, argv[o->first_arg], e)
                                             : code;
}
