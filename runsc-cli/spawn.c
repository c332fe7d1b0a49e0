/*
 * Sentry: own user, pid, mount, network, ipc and uts namespaces; it is pid 1, its stubs are its
 * children and end with it. Gofer: a mount namespace of its own and, as a network namespace is
 * dear, the sentry's of network, ipc and uts, where there is nothing to meet. An ordinary user's
 * gofer needs a user namespace and may not join those of another: it has all of its own. Both give
 * up everything else before they look at any guest input.
 */
#include "runsc-cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/empty_root.h"
#include "base/leaks.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "ckpt/manifest.h"
#include "gofer/gofer.h"
#include "platform/platform.h"
#include "runsc-cli/net_ahead.h"
#include "runsc-cli/oom.h"
#include "runsc-cli/sanitizer.h"

#define NOBODY 65534
#define HOST_TASKS_MAX 6144 /* half as much again as the sentry allows */
#define SENTRY_NS                                                                                  \
    (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define GOFER_SHARED_NS (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

static pid_t fork_into(unsigned long flags)
{
    struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};

    return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

static int write_file(const struct spawn *s, pid_t pid, const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "%s%d/%s", s->ground ? "" : "/proc/", pid, name);
    cleanup_close int fd =
        openat(s->ground ? s->ground->proc : AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return -errno;
    return 0;
}

static bool may_use_nobody(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {0};
    unsigned long inside, outside, count;
    bool has_nobody = false;

    if (geteuid() != 0 || syscall(SYS_capget, &h, d) || !(d[0].effective & (1U << CAP_SYS_ADMIN)))
        return false;
    cleanup_file_stream FILE *f = fopen("/proc/self/uid_map", "re");
    while (f && !has_nobody && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3)
        has_nobody = NOBODY >= inside && NOBODY - inside < count;
    return has_nobody;
}

bool spawn_is_privileged(void)
{
    static int known = -1;

    if (known < 0)
        known = may_use_nobody();
    return known;
}

/* Inside, one user and one group exist. */
struct id_map {
    uid_t inside_uid, uid;
    gid_t inside_gid, gid;
};

static int map_ids(const struct spawn *s, pid_t pid, const struct id_map *m, bool privileged,
                   struct error *e)
{
    char line[64];

    if (!privileged && write_file(s, pid, "setgroups", "deny"))
        return error_set(e, -errno, "setting up the user namespace (setgroups)");
    snprintf(line, sizeof(line), "%u %u 1", m->inside_uid, m->uid);
    if (write_file(s, pid, "uid_map", line))
        return error_set(e, -errno, "setting up the user namespace (uid_map)");
    snprintf(line, sizeof(line), "%u %u 1", m->inside_gid, m->gid);
    if (write_file(s, pid, "gid_map", line))
        return error_set(e, -errno, "setting up the user namespace (gid_map)");
    return 0;
}

/* The child waits for the parent, or its end: its ids are mapped, the sentry is there. */
static bool wait_go(int fd, pid_t *sentry)
{
    return read(fd, sentry, sizeof(*sentry)) == sizeof(*sentry);
}

static void child_fatal(struct error *e)
{
    error_print(e);
    _exit(125);
}

/* Ours is, and with the mount namespace the child has got a copy of it. */
static bool has_empty_root(const struct spawn *s)
{
    return s->ground && s->ground->has_empty_root;
}

/* --- gofer --- */
static void join_sentry(pid_t sentry, unsigned long namespaces)
{
    struct error e = ERROR_INIT;
    cleanup_close int fd = (int)syscall(SYS_pidfd_open, sentry, 0);

    if (fd < 0 || setns(fd, (int)namespaces)) {
        error_set(&e, -errno, "entering the sandbox's namespaces");
        child_fatal(&e);
    }
}

/* As an ordinary user the gofer can do nothing before its ids are mapped. */
static void run_gofer(struct spawn *s, int sock, int go, bool privileged)
{
    static struct gofer_config cfg;
    static struct ground_exports own;
    struct error e = ERROR_INIT;
    pid_t sentry;

    timeline_mark(PHASE_GOFER_START);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "nv-gofer");
    sanitizer_prepare();
    if (!privileged && !wait_go(go, &sentry))
        _exit(0);
    cfg.sock = sock;
    cfg.spin = s->spec.host_cpus > 1;
    cfg.nexports = 1 + s->spec.nmounts;
    if (!s->exports && ground_open_exports(&own, s, &e))
        child_fatal(&e);
    for (int i = 0; i < cfg.nexports; i++) {
        cfg.exports[i].readonly = i ? s->spec.mounts[i - 1].readonly : s->spec.root_overlay;
        cfg.exports[i].fd = s->exports ? s->exports->fds[i] : own.fds[i];
    }
    timeline_mark(PHASE_GOFER_EXPORTS);
    caps_bound(CAPS_FILE_SERVICE);
    if (!has_empty_root(s) && empty_root_enter(&e))
        child_fatal(&e);
    timeline_mark(PHASE_GOFER_ROOT);
    if (privileged) {
        if (!wait_go(go, &sentry))
            _exit(0);
        join_sentry(sentry, s->ground ? GOFER_SHARED_NS & ~CLONE_NEWNET : GOFER_SHARED_NS);
    }
    close(go);
    timeline_mark(PHASE_GOFER_GO);
    if (gofer_enter_jail(&cfg, &e))
        child_fatal(&e);
    timeline_mark(PHASE_GOFER_READY);
    leaks_begin(__builtin_frame_address(0));
    int err = gofer_serve(&cfg);
    _exit(leaks_found() || err ? 1 : 0);
}

/* --- sentry --- */
/*
 * Guest code can reach the stub's clone. What the sentry grants is bounded by itself; this bounds
 * what nobody has asked it for. Counted per user namespace, so it is this sandbox's own.
 */
static void limit_processes(void)
{
    struct rlimit r;

    if (!getrlimit(RLIMIT_NPROC, &r)) {
        r.rlim_cur = r.rlim_max = r.rlim_max < HOST_TASKS_MAX ? r.rlim_max : HOST_TASKS_MAX;
        setrlimit(RLIMIT_NPROC, &r);
    }
}

static void run_sentry(struct spawn *s, int go, int ctl)
{
    struct error e = ERROR_INIT;
    struct ctl_msg m = {.type = CTL_EXIT};
    pid_t self;

    timeline_mark(PHASE_SENTRY_START);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "nv-sentry");
    sanitizer_prepare();
    caps_bound(0);
    if (!wait_go(go, &self))
        _exit(0);
    close(go);
    timeline_mark(PHASE_SENTRY_GO);
    if (geteuid() != 0 || getegid() != 0) {
        if (setgroups(0, NULL) && errno != EPERM)
            _exit(125);
        if (setresgid(0, 0, 0) || setresuid(0, 0, 0)) {
            error_set(&e, -errno, "entering the sandbox's user namespace");
            child_fatal(&e);
        }
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* again: changing the user has cleared it */
    setsid();
    if (sched_setaffinity(0, sizeof(s->cpus), &s->cpus)) {
        error_set(&e, -errno, "--cpus");
        child_fatal(&e);
    }
    limit_processes();
    s->spec.ctl_sock = ctl;
    if ((!has_empty_root(s) && empty_root_enter(&e)) || caps_keep(0, &e))
        child_fatal(&e);
    timeline_mark(PHASE_SENTRY_CAGE);
    leaks_begin(__builtin_frame_address(0));
    m.value = sentry_main(&s->spec);
    timeline_mark(PHASE_SENTRY_END);
    if (send(ctl, &m, sizeof(m), MSG_NOSIGNAL) < 0)
        _exit(125);
    _exit(0);
}

/* Of another process's root not everybody may know; that of a mount namespace is one of a mount. */
static bool in_chroot(void)
{
    struct stat own, first;
    struct statx sx;

    if (!statx(AT_FDCWD, "/", 0, 0, &sx) && (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
        !(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return true;
    return !stat("/", &own) && !stat("/proc/1/root/", &first) &&
           (own.st_dev != first.st_dev || own.st_ino != first.st_ino);
}

static int explain_ns_failure(int err, struct error *e)
{
    error_set(e, err, "creating the sandbox's namespaces");
    if (err == -EPERM && in_chroot())
        error_hint(e, "Linux makes no user namespaces in a chroot: enter the tree with pivot_root, "
                      "e.g. by systemd-nspawn");
    else if (err == -EPERM || err == -ENOSPC || err == -EUSERS)
        error_hint(e,
                   "user namespaces are not allowed here%s: %s, or set user.max_user_namespaces "
                   "and kernel.unprivileged_userns_clone; see nv doctor",
                   geteuid() ? "" : " even to root",
                   geteuid() ? "run as root" : "give CAP_SYS_ADMIN to this container");
    return err;
}

static void close_pair(int p[2])
{
    if (p[0] >= 0)
        close(p[0]);
    if (p[1] >= 0)
        close(p[1]);
}

struct ends { /* what the processes are connected by */
    int gofer_sock[2], ctl[2], gofer_go[2], sentry_go[2];
};

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void spawn_keep_only(int *fds, size_t n)
{
    unsigned int from = 3;

    qsort(fds, n, sizeof(*fds), by_number);
    for (size_t i = 0; i < n; i++) {
        if (fds[i] < (int)from)
            continue;
        if (fds[i] > (int)from)
            close_range(from, (unsigned int)fds[i] - 1, 0);
        from = (unsigned int)fds[i] + 1;
    }
    close_range(from, ~0U, 0);
}

static void sentry_keeps(const struct spawn *s, int go, int ctl)
{
    const struct sandbox_spec *spec = &s->spec;
    const struct sandbox_restore *r = spec->restore;
    int fds[12 + MANIFEST_MOUNTS_MAX + CKPT_MEMORIES_MAX] = {go,
                                                             ctl,
                                                             spec->gofer_sock,
                                                             spec->stdio[0],
                                                             spec->stdio[1],
                                                             spec->stdio[2],
                                                             spec->strace_fd,
                                                             spec->stat_fd,
                                                             spec->cpuinfo_fd,
                                                             r ? r->kernel_fd : -1,
                                                             r ? r->pages_fd : -1,
                                                             spec->root_image};
    size_t n = 12;

    for (int i = 0; i < spec->nmounts && i < MANIFEST_MOUNTS_MAX; i++)
        fds[n++] = spec->mounts[i].image;
    for (unsigned int i = 0; r && i < r->nmemories; i++)
        fds[n++] = r->memory_fds[i];
    spawn_keep_only(fds, n);
}

static void gofer_keeps(const struct spawn *s, int sock, int go)
{
    int fds[2 + GOFER_EXPORTS_MAX] = {sock, go};
    int n = s->exports ? s->exports->n : 0;

    for (int i = 0; i < n; i++)
        fds[2 + i] = s->exports->fds[i];
    spawn_keep_only(fds, 2 + (size_t)n);
}

static int make_ends(struct ends *p, struct error *e)
{
    int size = 1 << 20;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->gofer_sock) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->ctl) ||
        pipe2(p->gofer_go, O_CLOEXEC) || pipe2(p->sentry_go, O_CLOEXEC))
        return error_set(e, -errno, "creating the sandbox's sockets");
    setsockopt(p->gofer_sock[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return 0;
}

static int may_go(struct spawn *s, pid_t pid, int go, const struct id_map *m, bool privileged,
                  struct error *e)
{
    int err = m ? map_ids(s, pid, m, privileged, e) : 0;

    if (!err)
        err = cgroup_add(&s->cgroup, pid, e);
    if (!err && s->cgroup.dir && pid == s->sentry)
        oom_begin(pid);
    if (!err && write(go, &s->sentry, sizeof(s->sentry)) != sizeof(s->sentry))
        err = error_set(e, -errno, "starting the sandbox");
    return err;
}

static int start_sentry(struct spawn *s, struct ends *p, bool privileged, struct error *e)
{
    const struct id_map cage = {0, privileged ? NOBODY : geteuid(), 0,
                                privileged ? NOBODY : getegid()};

    s->spec.gofer_sock = p->gofer_sock[0];
    s->sentry = fork_into(s->has_net ? SENTRY_NS & ~CLONE_NEWNET : SENTRY_NS);
    if (s->sentry < 0)
        return explain_ns_failure(-errno, e);
    if (s->sentry == 0) {
        sentry_keeps(s, p->sentry_go[0], p->ctl[1]);
        run_sentry(s, p->sentry_go[0], p->ctl[1]);
    }
    timeline_mark(PHASE_SENTRY_SPAWNED);
    return may_go(s, s->sentry, p->sentry_go[1], &cage, privileged, e);
}

static int start_gofer(struct spawn *s, struct ends *p, bool privileged, struct error *e)
{
    s->gofer = fork_into(CLONE_NEWNS | (privileged ? 0 : CLONE_NEWUSER | GOFER_SHARED_NS));
    if (s->gofer < 0)
        return explain_ns_failure(-errno, e);
    if (s->gofer == 0) {
        gofer_keeps(s, p->gofer_sock[1], p->gofer_go[0]);
        run_gofer(s, p->gofer_sock[1], p->gofer_go[0], privileged);
    }
    timeline_mark(PHASE_GOFER_SPAWNED);
    return 0;
}

int spawn_sandbox(struct spawn *s, struct error *e)
{
    struct ends p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    bool privileged = spawn_is_privileged();
    /* Our files are the guest user's, those of others nobody's. */
    const struct id_map own = {s->spec.uid, geteuid(), s->spec.gid, getegid()};

    s->sentry = s->gofer = -1;
    fflush(NULL);
    int err = make_ends(&p, e);
    if (!err)
        err = start_gofer(s, &p, privileged, e);
    if (!err && s->meanwhile)
        s->meanwhile(s->meanwhile_arg);
    int back = s->ground ? -1 : net_ahead_enter();
    s->has_net = s->ground || back >= 0;
    if (!err)
        err = start_sentry(s, &p, privileged, e);
    if (back >= 0)
        net_ahead_leave(back);
    if (!err)
        err = may_go(s, s->gofer, p.gofer_go[1], privileged ? NULL : &own, privileged, e);
    if (!err) {
        s->ctl = p.ctl[0];
        p.ctl[0] = -1;
    }
    if (err && s->gofer > 0)
        kill(s->gofer, SIGKILL);
    if (err && s->sentry > 0)
        kill(s->sentry, SIGKILL);
    close_pair(p.gofer_sock);
    close_pair(p.ctl);
    close_pair(p.gofer_go);
    close_pair(p.sentry_go);
    return err;
}
