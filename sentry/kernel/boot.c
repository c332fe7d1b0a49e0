/* The first process: its mounts, standard streams and program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/timeline.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/mqueue/mqueue.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/boot.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"

#define EXIT_NOT_FOUND 127
#define EXIT_NOT_EXECUTABLE 126

/* --- mounts --- */
static int mount_root(struct task *t)
{
    struct superblock *lower, *upper, *root;

    int err = sandbox->root_image ? erofs_new_from_cli(sandbox->root_image, 0, &lower)
                                  : goferfs_new(0, sandbox->root_overlay, &lower);
    if (err)
        return err;
    root = lower;
    if (sandbox->root_overlay) {
        err = tmpfs_new(sandbox->memory_bytes / 2, 0, 0755, &upper);
        if (!err)
            err = overlayfs_new(lower, upper, &root);
        if (err)
            return err;
    }
    err = mount_ns_init(root, 0);
    if (err)
        return err;
    struct path p = {root_mount_ns->root, root->root};
    t->fs = fs_context_new(&p);
    return t->fs ? 0 : -ENOMEM;
}

/* A directory to mount on; made if the root has none. */
static int mount_point(struct task *t, const char *name, struct path *out)
{
    int err = vfs_walk(t, AT_FDCWD, name, 0, out);

    if (err != -ENOENT || !sandbox->root_overlay)
        return err;
    for (char *p = strdup(name), *at = p; p; at = strchr(at + 1, '/')) {
        char *slash = at ? strchr(at + 1, '/') : NULL;
        if (slash)
            *slash = 0;
        err = vfs_mkdir(t, p, 0755);
        if (slash)
            *slash = '/';
        if ((err && err != -EEXIST) || !slash) {
            free(p);
            break;
        }
    }
    return vfs_walk(t, AT_FDCWD, name, 0, out);
}

static int mount_at_name(struct task *t, const char *name, int (*make)(struct superblock **),
                         const char *source, unsigned long flags)
{
    cleanup_path struct path at = {0};
    struct superblock *sb;

    int err = mount_point(t, name, &at);
    if (err)
        return err == -ENOENT ? 0 : err; /* a root that does not want it */
    err = make(&sb);
    if (err)
        return err;
    free(sb->source);
    sb->source = strdup(source);
    return vfs_mount(&at, sb, flags, NULL);
}

static int make_tmp(struct superblock **out)
{
    return tmpfs_new(sandbox->memory_bytes / 2, 0, 01777, out);
}

static int mount_all(struct task *t)
{
    const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    int err = mount_root(t);
    if (!err)
        err = mount_at_name(t, "/proc", procfs_new, "proc", quiet);
    if (!err)
        err = mount_at_name(t, "/sys", sysfs_new, "sysfs", quiet | MS_RDONLY);
    if (!err)
        err = mount_at_name(t, "/dev", devtmpfs_new, "dev", MS_NOSUID);
    if (!err)
        err = mount_at_name(t, "/dev/pts", devpts_new, "devpts", MS_NOSUID | MS_NOEXEC);
    if (!err)
        err = mount_at_name(t, "/dev/shm", make_tmp, "shm", MS_NOSUID | MS_NODEV);
    if (!err)
        err = mount_at_name(t, "/dev/mqueue", mqueue_super, "mqueue", quiet);
    for (int i = 0; !err && i < sandbox->nmounts; i++) {
        const struct sandbox_mount *m = &sandbox->mounts[i];
        cleanup_path struct path at = {0};
        struct superblock *sb;
        err = mount_point(t, m->dst, &at);
        if (!err)
            err = m->image ? erofs_new_from_cli(m->image, m->export_index, &sb)
                           : goferfs_new(m->export_index, m->readonly, &sb);
        if (!err) {
            sb->source = strdup(m->src);
            err = vfs_mount(&at, sb, m->readonly ? MS_RDONLY : 0, NULL);
        }
        if (err)
            log_warn("mounting %s on %s: %s", m->src, m->dst, strerror(-err));
    }
    return err;
}

/* --- standard streams --- */
static int open_stdio(struct task *t)
{
    for (int i = 0; i < 3; i++) {
        struct file *f = NULL;
        int fd = sandbox->stdio[i], err = 0;
        if (fd >= 0 && sandbox->stdio_is_tty[i])
            err = console_attach(fd);
        if (err)
            return err;
        if (fd < 0)
            err = vfs_open(t, AT_FDCWD, "/dev/null", i ? O_WRONLY : O_RDONLY, 0, 0, &f);
        else if (sandbox->stdio_is_tty[i])
            err = vfs_open(t, AT_FDCWD, "/dev/console", O_RDWR, 0, 0, &f);
        else
            f = hostfd_file(fd, i ? O_WRONLY : O_RDONLY);
        if (err || !f)
            return err ? err : -ENOMEM;
        if (fd_install_steal(t, f, false) < 0)
            return -EMFILE;
    }
    return 0;
}

/* --- the program --- */
static const char *path_variable(char **envp)
{
    for (; *envp; envp++)
        if (!strncmp(*envp, "PATH=", 5))
            return *envp + 5;
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static int exec_in_path(struct task *t, char **argv, char **envp)
{
    const char *dirs = path_variable(envp);
    int err = -ENOENT;

    if (strchr(argv[0], '/'))
        return task_exec(t, AT_FDCWD, argv[0], 0, argv, envp);
    while (*dirs) {
        size_t len = strcspn(dirs, ":");
        cleanup_free char *full = NULL;
        if (asprintf(&full, "%.*s/%s", len ? (int)len : 1, len ? dirs : ".", argv[0]) < 0)
            return -ENOMEM;
        int e = task_exec(t, AT_FDCWD, full, 0, argv, envp);
        if (!e || (e != -ENOENT && e != -ENOTDIR && e != -EACCES))
            return e;
        err = e == -EACCES ? e : err;
        dirs += len + (dirs[len] == ':');
    }
    return err;
}

static int enter_cwd(struct task *t)
{
    struct path p;
    int err = vfs_walk(t, AT_FDCWD, sandbox->cwd, WALK_DIRECTORY, &p);

    if (err)
        return err;
    path_put(&t->fs->cwd);
    t->fs->cwd = p;
    return 0;
}

static int become_user(struct task *t)
{
    struct cred *c = cred_new(sandbox->uid, sandbox->gid);

    if (!c)
        return -ENOMEM;
    c->groups = sandbox->ngroups ? calloc((size_t)sandbox->ngroups, sizeof(gid_t)) : NULL;
    c->ngroups = c->groups ? sandbox->ngroups : 0;
    for (int i = 0; i < c->ngroups; i++)
        c->groups[i] = sandbox->groups[i];
    cred_put(t->cred);
    t->cred = c;
    return 0;
}

static void fail(struct task *t, const char *what, const char *object, int err)
{
    dprintf(sandbox->stdio[2] >= 0 ? sandbox->stdio[2] : 2, "nv: %s %s: %s\n", what, object,
            strerror(-err));
    int code = err == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    tg_exit(t->tg, code << 8);
    task_exit(t, code << 8);
}

static void init_main(void *arg)
{
    struct task *t = arg;

    int err = mount_all(t);
    if (err)
        fail(t, "cannot set up", "the file system", err);
    timeline_mark(PHASE_MOUNTED);
    err = enter_cwd(t);
    if (err)
        fail(t, "cannot enter the working directory", sandbox->cwd, err);
    err = open_stdio(t);
    if (err)
        fail(t, "cannot open", "the standard streams", err);
    err = become_user(t);
    if (!err)
        err = exec_in_path(t, sandbox->argv, sandbox->envp);
    if (err)
        fail(t, "cannot execute", sandbox->argv[0], err);
    timeline_mark(PHASE_EXEC_LOADED);
    task_run(t);
}

int init_start(void)
{
    struct thread_group *tg = tg_new();
    struct task *t = tg ? task_new(tg) : NULL;

    if (!t)
        return -ENOMEM;
    struct session *s = session_new(t->tid);
    t->cred = cred_new(0, 0);
    t->fds = fdtable_new();
    t->uts = uts_ns_get(uts_root());
    t->ipc = ipc_ns_root();
    t->mnt_ns = mount_ns_get(root_mount_ns);
    tg->sighand = sighand_new();
    tg->leader = t;
    tg->tgid = t->tid;
    tg->exit_signal = SIGCHLD;
    memcpy(tg->rlim, sandbox->rlim, sizeof(tg->rlim));
    if (t->ipc)
        ipc_ns_get(t->ipc);
    if (!s || !t->ipc || !t->cred || !t->fds || !tg->sighand || tg_join_pgrp(tg, t->tid, s))
        return -ENOMEM;
    list_add_tail(&tg->tasks, &t->tg_node);
    tg->ntasks = 1;
    init_tg = tg;
    t->fiber = fiber_start(init_main, t);
    return t->fiber ? 0 : -ENOMEM;
}
