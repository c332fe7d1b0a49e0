/* clone(2), clone3(2), fork(2), vfork(2). */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "sentry/time/cputimer.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define CGROUP2_MAGIC 0x63677270
#define CLONE_CLEAR_SIGHAND_K 0x100000000ULL
#define CLONE_INTO_CGROUP_K 0x200000000ULL
#define CLONE_NAMESPACES                                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

static int check_flags(struct task *t, uint64_t f)
{
    if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
        return -EINVAL;
    if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
        return -EINVAL;
    if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND_K))
        return -EINVAL;
    if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
        (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
        return -EINVAL;
    if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID)))
        return -EINVAL;
    if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
        return -EINVAL;
    if ((f & CLONE_PARENT) && !t->tg->parent) /* the first process, or it is ending */
        return -EINVAL;
    if ((f & CLONE_THREAD) && t->pid_ns != t->pid_ns_children)
        return -EINVAL;
    if ((f & (CLONE_NEWIPC | CLONE_SYSVSEM)) == (CLONE_NEWIPC | CLONE_SYSVSEM))
        return -EINVAL;
    if ((f & CLONE_PARENT) && t->pid_ns && t->pid_ns->reaper == t->tg)
        return -EINVAL;
    return 0;
}

/* The parts of a new process that are its own or shared by flags. */
static int new_group(struct task *t, struct task *c, uint64_t f, int exit_signal)
{
    struct thread_group *tg = c->tg, *parent = f & CLONE_PARENT ? t->tg->parent : t->tg;

    if (f & CLONE_SIGHAND)
        tg->sighand = sighand_get(t->tg->sighand);
    else
        tg->sighand = sighand_copy(t->tg->sighand);
    if (!tg->sighand)
        return -ENOMEM;
    if (f & CLONE_CLEAR_SIGHAND_K)
        sighand_exec(tg->sighand);
    memcpy(tg->rlim, t->tg->rlim, sizeof(tg->rlim));
    if (tg->rlim[RLIMIT_CPU].rlim_cur != RLIM_INFINITY && cpu_limit_changed(tg))
        return -ENOMEM;
    tg->exit_signal = f & CLONE_PARENT ? t->tg->exit_signal : exit_signal;
    tg->nice = t->reset_on_fork && t->tg->nice < 0 ? 0 : t->tg->nice;
    tg->oom_score_adj = t->tg->oom_score_adj;
    tg->dumpable = t->tg->dumpable;
    tg->keepcaps = t->tg->keepcaps;
    tg->exe = t->tg->exe ? file_get(t->tg->exe) : NULL;
    tg->leader = c;
    tg->tgid = c->tid;
    tg->parent = parent;
    tg->parent_tid = f & CLONE_PARENT ? t->tg->parent_tid : t->tid;
    list_add_tail(&parent->children, &tg->sibling);
    return tg_join_pgrp(tg, t->tg->pgrp->id, t->tg->session);
}

static int inherit(struct task *t, struct task *c, uint64_t f)
{
    c->cred = cred_get(t->cred);
    memcpy(c->comm, t->comm, sizeof(c->comm));
    c->no_new_privs = t->no_new_privs;
    int err = 0;
    seccomp_inherit(t, c);
    c->personality = t->personality;
    c->policy = t->policy; /* normal ones, which survive SCHED_RESET_ON_FORK */
    c->mce_kill = t->mce_kill;
    c->ioprio = t->ioprio;
    c->mempolicy = t->mempolicy;
    if (!(f & CLONE_VM)) { /* the host's thread has it, too: rseq_fork() */
        c->rseq = t->rseq;
        c->rseq_len = t->rseq_len;
        c->rseq_sig = t->rseq_sig;
    }
    c->sig.blocked = t->sig.blocked;
    if (!(f & CLONE_VM) || (f & CLONE_VFORK))
        c->sig.altstack = t->sig.altstack;
    c->fds = f & CLONE_FILES ? fdtable_get(t->fds) : fdtable_copy(t->fds);
    c->fs = f & CLONE_FS ? fs_context_get(t->fs) : fs_context_copy(t->fs);
    if (!c->fds || !c->fs)
        return -ENOMEM;
    err = ns_clone(t, c, f);
    if (!err)
        err = ipc_task_clone(t, c, f);
    if (err)
        return err;
    if (t->affinity) {
        c->affinity = malloc(sizeof(cpu_set_t));
        if (!c->affinity)
            return -ENOMEM;
        *c->affinity = *t->affinity;
    }
    return 0;
}

static int new_memory(struct task *t, struct task *c, uint64_t f)
{
    if (f & CLONE_VM) {
        int err = platform->thread_new(t->thr, &c->thr);
        if (!err)
            c->mm = mm_get(t->mm);
        sched_pin(c);
        return err;
    }
    struct aspace *as;
    int err = platform->aspace_fork(t->thr, &as, &c->thr);
    return err ? err : mm_fork(t, &c->mm, as, c->thr);
}

static int set_registers(struct task *t, struct task *c, const struct clone_args_k *args)
{
    c->regs = *task_regs(t);
    c->regs_valid = c->regs_dirty = true;
    c->regs.rax = 0;
    c->regs.orig_rax = (unsigned long long)-1;
    if (args->stack)
        c->regs.rsp = args->stack;
    if (args->flags & CLONE_SETTLS) {
        if (args->tls >= NV_TASK_SIZE)
            return -EPERM;
        c->regs.fs_base = args->tls;
    }
    c->ev.kind = PE_INTERRUPTED;
    return 0;
}

static int write_ids(struct task *t, struct task *c, const struct clone_args_k *args)
{
    uint32_t tid = (uint32_t)task_nr(c);
    uint32_t own = (uint32_t)pid_nr(c->pid_ns, c->tid);

    if ((args->flags & CLONE_PARENT_SETTID) && args->parent_tid)
        if (put_user(t, &tid, args->parent_tid))
            return -EFAULT;
    if ((args->flags & CLONE_CHILD_SETTID) && args->child_tid)
        mm_write(c->mm, args->child_tid, &own, sizeof(own));
    if (args->flags & CLONE_CHILD_CLEARTID)
        c->clear_child_tid = args->child_tid;
    return 0;
}

static void abandon(struct task *c, uint64_t f)
{
    if (c->thr)
        platform->thread_free(c->thr);
    if (c->mm)
        mm_put(c->mm);
    if (c->fds)
        fdtable_put(c->fds);
    if (c->fs)
        fs_context_put(c->fs);
    ipc_task_exit(c);
    ns_exit(c);
    if (!(f & CLONE_THREAD)) {
        if (c->pid_ns && c->pid_ns->reaper == c->tg)
            c->pid_ns->reaper = NULL;
        c->tg->leader = NULL;
        list_del(&c->tg->sibling);
        tg_put(c->tg);
    }
    task_put(c);
}

/* RLIMIT_NPROC counts the tasks of the real user: kernel/fork.c copy_process(). */
static bool over_user_limit(struct task *t)
{
    uint64_t limit = rlimit_cur(t, RLIMIT_NPROC), n = 0;
    struct thread_group *tg;
    struct task *o;

    if (limit == RLIM_INFINITY || !t->cred->uid || cred_capable(t->cred, CAP_SYS_RESOURCE) ||
        cred_capable(t->cred, CAP_SYS_ADMIN))
        return false;
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(o, &tg->tasks, tg_node)
            n += o->cred->uid == t->cred->uid;
        n += tg->zombie && tg->leader && tg->leader->cred->uid == t->cred->uid;
    }
    return n >= limit;
}

static void link_task(struct task *c)
{
    list_add_tail(&c->tg->tasks, &c->tg_node);
    c->tg->ntasks++;
}

long task_clone(struct task *t, const struct clone_args_k *args)
{
    uint64_t f = args->flags;
    int err = check_flags(t, f);

    if (err)
        return err;
    if (task_count() >= TASKS_MAX || t->tg->exiting || over_user_limit(t))
        return -EAGAIN;
    struct thread_group *tg = f & CLONE_THREAD ? t->tg : tg_new();
    if (!tg)
        return -ENOMEM;
    struct task *c = task_new(tg);
    if (!c) {
        if (!(f & CLONE_THREAD))
            tg_put(tg);
        return -EAGAIN;
    }
    err = inherit(t, c, f);
    if (!err && !(f & CLONE_THREAD))
        err = new_group(t, c, f, (int)args->exit_signal);
    if (!err)
        err = new_memory(t, c, f);
    if (!err)
        err = set_registers(t, c, args);
    if (!err && t->tg->exiting) /* while the host made the copy */
        err = -EAGAIN;
    if (!err && (f & CLONE_PIDFD)) {
        int fd = f & CLONE_THREAD ? pidfd_install_thread(t, c, 0) : pidfd_install(t, tg, 0);
        err = fd < 0 ? fd : put_user(t, &fd, args->pidfd);
    }
    if (!err)
        err = write_ids(t, c, args);
    if (!err)
        err = task_start(c);
    if (err) {
        abandon(c, f);
        return err;
    }
    link_task(c);
    trace_cloned(t, c, f, (int)args->exit_signal);
    pid_t tid = task_nr(c);
    if (f & CLONE_VFORK) {
        c->vfork_parent = t;
        t->vfork_child = task_get(c); /* its loop waits: run.c */
    }
    return tid;
}

long sys_clone(struct task *t, const struct sysargs *a)
{
    uint64_t f = arg_u64(a, 0) & 0xffffffffULL;
    struct clone_args_k args = {
        .flags = f & ~(uint64_t)CSIGNAL,
        .exit_signal = f & CSIGNAL,
        .stack = arg_u64(a, 1),
        .parent_tid = arg_u64(a, 2),
        .pidfd = arg_u64(a, 2),
        .child_tid = arg_u64(a, 3),
        .tls = arg_u64(a, 4),
    };

    if ((f & CLONE_PIDFD) && (f & CLONE_PARENT_SETTID))
        return -EINVAL;
    return task_clone(t, &args);
}

long sys_fork(struct task *t, const struct sysargs *a)
{
    return task_clone(t, &(struct clone_args_k){.exit_signal = SIGCHLD});
}

long sys_vfork(struct task *t, const struct sysargs *a)
{
    return task_clone(
        t, &(struct clone_args_k){.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD});
}

/* Numbers are chosen with CAP_CHECKPOINT_RESTORE, which is the host's here. */
static int check_set_tid(struct task *t, uint64_t addr, uint64_t n)
{
    pid_t tids[NS_LEVELS_MAX];

    if (!addr && !n)
        return 0;
    if (!addr || !n || n > NS_LEVELS_MAX)
        return -EINVAL;
    if (copy_in(t, tids, addr, n * sizeof(tids[0])))
        return -EFAULT;
    if (n > (t->pid_ns_children ? t->pid_ns_children->level : 0) + 1)
        return -EINVAL;
    for (uint64_t i = 0; i < n; i++)
        if (tids[i] < 1 || tids[i] >= PID_IDS)
            return -EINVAL;
    explain_missing("clone3", "set_tid");
    return -EPERM;
}

/* The one control group that there is cannot be changed. */
static int check_cgroup(struct task *t, uint64_t fd)
{
    if (fd > INT32_MAX)
        return -EINVAL;
    cleanup_file struct file *f = fd_get_path_ok(t, (int)fd);
    if (!f || !f->inode || !f->inode->sb || f->inode->sb->magic != CGROUP2_MAGIC)
        return -EBADF;
    return -EACCES;
}

/* struct clone_args grows by versions of 64, 80 and 88 bytes: clone(2). */
long sys_clone3(struct task *t, const struct sysargs *a)
{
    uint64_t k[11] = {0}, size = arg_u64(a, 1);
    enum {
        FLAGS,
        PIDFD,
        CHILD_TID,
        PARENT_TID,
        EXIT_SIGNAL,
        STACK,
        STACK_SIZE,
        TLS,
        SET_TID,
        SET_TID_SIZE,
        CGROUP
    };

    if (size > NV_PAGE_SIZE)
        return -E2BIG;
    if (size < 64)
        return -EINVAL;
    if (copy_in(t, k, arg_u64(a, 0), MIN(size, sizeof(k))))
        return -EFAULT;
    for (uint64_t off = sizeof(k); off < size; off++) {
        char c;
        if (get_user(t, &c, arg_u64(a, 0) + off))
            return -EFAULT;
        if (c)
            return -E2BIG;
    }
    const uint64_t known = 0xffffffffULL | CLONE_CLEAR_SIGHAND_K | CLONE_INTO_CGROUP_K;
    if ((k[FLAGS] & ~known) || (k[FLAGS] & (CLONE_DETACHED | CSIGNAL)) || k[EXIT_SIGNAL] > 64)
        return -EINVAL;
    if ((k[FLAGS] & (CLONE_THREAD | CLONE_PARENT)) && k[EXIT_SIGNAL])
        return -EINVAL;
    if (!k[STACK] != !k[STACK_SIZE] ||
        (k[STACK] && (k[STACK] > NV_TASK_SIZE || k[STACK_SIZE] > NV_TASK_SIZE - k[STACK])))
        return -EINVAL;
    int err = check_set_tid(t, k[SET_TID], k[SET_TID_SIZE]);
    if (!err && (k[FLAGS] & CLONE_INTO_CGROUP_K))
        err = size < sizeof(k) ? -EINVAL : check_cgroup(t, k[CGROUP]);
    if (err)
        return err;
    return task_clone(t, &(struct clone_args_k){.flags = k[FLAGS],
                                                .pidfd = k[PIDFD],
                                                .child_tid = k[CHILD_TID],
                                                .parent_tid = k[PARENT_TID],
                                                .exit_signal = k[EXIT_SIGNAL],
                                                .stack = k[STACK] + k[STACK_SIZE],
                                                .tls = k[TLS]});
}

/* unshare(2): tables of files, file system context, and namespaces (sentry/ns/ns.c). */
long sys_unshare(struct task *t, const struct sysargs *a)
{
    uint64_t f = arg_u64(a, 0);
    const uint64_t known = CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |
                           CLONE_SYSVSEM | CLONE_NAMESPACES | CLONE_NEWTIME;

    if (f & ~known)
        return -EINVAL;
    if ((f & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && t->tg->ntasks > 1)
        return -EINVAL;
    if (f & CLONE_NEWTIME)
        return -EINVAL; /* as without CONFIG_TIME_NS */
    if (f & (CLONE_NEWNS | CLONE_NEWUSER))
        f |= CLONE_FS;
    if ((f & CLONE_NEWUSER) && t->tg->ntasks > 1)
        return -EINVAL;
    if ((f & CLONE_NEWPID) && t->tg->ntasks > 1)
        return -EINVAL;
    if ((f & CLONE_FS) && t->fs->refs > 1) {
        struct fs_context *fs = fs_context_copy(t->fs);
        if (!fs)
            return -ENOMEM;
        fs_context_put(t->fs);
        t->fs = fs;
    }
    if (f & CLONE_SYSVSEM)
        sem_undo_exit(t);
    int err = f & CLONE_NAMESPACES ? ns_unshare(t, f) : 0;
    if (err)
        return err;
    if ((f & CLONE_FILES) && fdtable_users(t->fds) > 1) {
        struct fdtable *fds = fdtable_copy(t->fds);
        if (!fds)
            return -ENOMEM;
        fdtable_put(t->fds);
        t->fds = fds;
    }
    return 0;
}
