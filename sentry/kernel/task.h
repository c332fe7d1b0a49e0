/*
 * Tasks and thread groups.
 *
 * A task is a guest thread: one fiber, one platform thread. A thread group is a guest process.
 * Ownership: a task is owned by its fiber until it has exited, then by its parent as a zombie
 * (group leaders) until waited for. Everything a task points to is reference counted.
 */
#ifndef NV_SENTRY_KERNEL_TASK_H
#define NV_SENTRY_KERNEL_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/list.h"
#include "platform/platform.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/futex.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/syscall.h"
#include "sentry/kernel/waitq.h"
#include "sentry/signal/signal.h"
#include "sentry/trace/trace.h"

struct fd_detour;
struct fdtable;
struct fiber;
struct fs_context;
struct seccomp_filter;
struct ipc_ns;
struct mm;
struct sem_undo_list;
struct mount_ns;
struct pid_ns;
struct plain_ns;
struct tty;
struct uring_task;
struct uts_ns;
struct walk;
struct posix_timers;
struct itimers_cpu;
struct cpu_watch;
struct core_dump;

enum task_state { TASK_RUNNING, TASK_SLEEPING, TASK_STOPPED, TASK_TRACED, TASK_ZOMBIE, TASK_DEAD };

#define TASKS_MAX 4096 /* of a sandbox: kernel.threads-max */

#define PID_MAX 32768 /* numbers are less */

struct task_io { /* proc_pid_io(5) */
    uint64_t rchar, wchar, syscr, syscw;
};

struct task {
    unsigned int refs;
    pid_t tid;
    enum task_state state;
    struct thread_group *tg;
    struct list tg_node; /* in tg->tasks */
    struct fiber *fiber;
    struct gthread *thr; /* NULL: restored and not yet needed, with: */
    void *fpstate;       /* its vector registers, owned */
    struct mm *mm;
    struct fdtable *fds;         /* NULL after exit */
    struct fd_detour *fd_detour; /* NULL: none; vfs/file.h */
    struct fs_context *fs;       /* root, cwd, umask; NULL after exit */
    const struct walk *walk;     /* of whose path a step is being looked up, vfs_walk_ahead() */
    struct cred *cred;
    struct uts_ns *uts;
    struct ipc_ns *ipc;                      /* NULL after exit */
    struct sem_undo_list *sem_undo;          /* NULL: none yet */
    struct mount_ns *mnt_ns;                 /* NULL after exit, as fs */
    struct pid_ns *pid_ns, *pid_ns_children; /* sentry/ns; NULL: the first, as of the next */
    struct plain_ns *net, *cgroup;
    char comm[16];
    bool no_new_privs;
    uint8_t seccomp_mode;           /* SECCOMP_MODE_* */
    struct seccomp_filter *seccomp; /* the newest, owned; NULL: none */
    uint64_t asked_id;              /* of a listener, before the sandbox froze; 0: not */
    bool asked_taken;

    struct user_regs_struct regs; /* valid when regs_valid */
    bool regs_valid, regs_dirty;
    uint16_t vdso_steps;      /* made to get out of a vDSO */
    struct platform_event ev; /* the event being handled */
    struct sysargs sys;       /* the syscall being handled */
    long sys_result;
    bool in_syscall;
    bool in_guest; /* platform->run() is under way */
    bool killed;   /* this thread alone has to exit: exec by another, EXITED */

    /* Checkpoints: sentry/kernel/freeze.h. */
    bool frozen;
    bool cut_short; /* the call at hand ended only because the sandbox froze */
    bool resuming;  /* it is being made again; its deadline, if it is known: */
    uint64_t kept_deadline_ns;
    bool wait_cut;     /* the call's last sleep ended so */
    uint64_t done_ago; /* bytes that a call made again has moved before */
    bool freeze_told;  /* it was kicked to stop */
    struct futex_wait futex;
    struct futex_many *futex_many; /* owned; NULL: not in futex_waitv(2) */
    struct pi_waiter *pi_wait;     /* the lock it sleeps for: futex_pi.c */

    struct task_trace trace;
    struct task_signal sig;    /* blocked, pending, altstack... sentry/signal/signal.h */
    bool uring_work, in_uring; /* sentry/ipc/uring: requests may go on; they do */
    struct uring_task *uring;  /* its registered rings, owned; NULL: none */
    uint64_t uring_timeouts;   /* that a ring had told of when it began to wait for it */
    bool interrupted;          /* woken in order to look at signals */
    struct waitq *sleeping_on; /* for /proc only */
    long (*restart_fn)(struct task *t, void *data); /* restart_syscall(2) */
    uint64_t restart_deadline_ns;
    union {
        uint64_t u64[2];
    } restart_data;

    uint64_t clear_child_tid, robust_list, set_child_tid;
    uint64_t rseq; /* 0: not registered */
    uint32_t rseq_len, rseq_sig;
    uint64_t timer_slack_ns;
    uint64_t start_ns;         /* the guest's CLOCK_MONOTONIC at creation */
    uint64_t cpu_past_ns;      /* CPU time of its host threads before the one it has */
    uint64_t cpu_sampled_ns;   /* as the last checkpoint saw it */
    struct pid_thread *pidfd;  /* weak; NULL: no pidfd is of this thread alone */
    struct task *vfork_parent; /* waits on this task's vfork_done */
    struct task *vfork_child;  /* owned reference; guest code goes on when it has let go */
    struct waitq vfork_done;
    uint32_t personality;
    struct call_dispatch { /* PR_SET_SYSCALL_USER_DISPATCH: calls from elsewhere are SIGSYS */
        bool on;
        uint64_t start, len;
        uint64_t selector; /* a byte that says whether; 0: always */
    } dispatch;
    uint8_t mce_kill; /* PR_MCE_KILL + 1; 0: the default */
    bool reset_on_fork;
    int exit_code; /* as wait status */
    int pdeath_signal;
    cpu_set_t *affinity; /* NULL: all */
    int policy, ioprio;  /* SCHED_OTHER..., ioprio_set(2): kept, without effect */
    uint8_t mempolicy;   /* sentry/mm/mempolicy.c */
    uint64_t nsyscalls;
    struct task_io io;
    uint64_t
        nvcsw; /* how often it slept in a call; host calls that wait in the stub are not known */
    const void *facts_cred, *facts_parent; /* as published: facts.c */
    uint64_t strace_start_ns;              /* of its call */
};

struct thread_group {
    unsigned int refs;
    pid_t tgid;
    struct task *leader;
    struct list tasks; /* living tasks */
    int ntasks;
    int nheld;                   /* tasks that have exited, for whom a tracer has not waited yet */
    pid_t parent_tid;            /* the task of the parent that made it */
    struct thread_group *parent; /* NULL for init and orphans of a dead sandbox */
    struct list children;        /* thread groups */
    struct list sibling;
    struct list all_node;
    struct session *session;
    struct process_group *pgrp;
    struct list pgrp_node;
    struct signal_shared *sighand; /* handlers, shared by CLONE_SIGHAND */
    struct group_signal sig;       /* shared pending, stop/continue state */
    struct waitq child_wait;       /* woken when a child changes state */
    struct waitq exit_wait;        /* woken when this group has exited (pidfd poll) */
    int exit_signal;               /* sent to the parent; SIGCHLD usually, 0 none */
    bool exiting;                  /* exit_group or fatal signal in progress */
    bool execing;
    bool zombie; /* all tasks are gone, not yet waited for */
    bool is_subreaper, dumpable, did_exec, keepcaps;
    int group_exit_code; /* wait status */
    struct rlimit rlim[RLIM_NLIMITS];
    struct rusage ru_self, ru_children;
    struct task_io io_past;  /* of threads that are gone, and of children that were waited for */
    uint64_t cpu_rest_ns;    /* what ru_self has no room for */
    uint64_t cpu_sampled_ns; /* as the last checkpoint saw it */
    struct posix_timers *timers; /* sentry/time */
    struct ktimer itimer_real;
    struct ktimer exit_timer; /* a dying group whose guest code does not come back: exit.c */
    uint64_t exit_since_ns;
    uint64_t itimer_real_interval_ns;
    struct itimers_cpu *itimers_cpu; /* sentry/time */
    struct cpu_watch *cpu_watch;
    struct file *exe; /* /proc/pid/exe */
    uint64_t start_ns;
    int nice;
    int oom_score_adj;
    /* A core file is being written, by this task; the others stop: sentry/core. NULL: none. */
    struct core_dump *core;
    const struct task *core_dumper;
};

struct process_group {
    unsigned int refs;
    pid_t id;
    struct session *session;
    struct list members, node;
};
struct session {
    unsigned int refs;
    pid_t id;
    struct tty *tty;
    struct process_group *foreground;
    struct list pgrps;
};

/* prctl(PR_GET_TIMERSLACK) */
static inline uint64_t task_timer_slack(const struct task *t)
{
    return t->timer_slack_ns ? t->timer_slack_ns : 50000;
}

/* The task whose fiber is running; NULL on the loop. */
struct task *task_current(void);
struct task *task_get(struct task *t);
void task_put(struct task *t);
struct thread_group *tg_get(struct thread_group *tg);
void tg_put(struct thread_group *tg);

/* Lookup, no reference taken; NULL if there is none. Zombies are found. */
struct task *task_find(pid_t tid);
/* By the number that the running task has for it. */
struct task *task_find_nr(pid_t nr);
/* A pidfd of tg, close-on-exec: its number or negative errno. */
int pidfd_install(struct task *t, struct thread_group *tg, int flags);
int pidfd_install_thread(struct task *t, struct task *o, int flags); /* PIDFD_THREAD */
struct thread_group *tg_find(pid_t tgid);
struct process_group *pgrp_find(pid_t id);
extern struct list all_thread_groups; /* of struct thread_group.all_node, by creation */
extern struct thread_group *init_tg;
int task_count(void);

/* Registers, fetched on first use per event; task_regs_dirty() has them written back on resume. */
struct user_regs_struct *task_regs(struct task *t);
static inline void task_regs_dirty(struct task *t)
{
    t->regs_dirty = true;
}

struct clone_args_k { /* clone3's, already fetched and checked */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, tls;
    pid_t set_tid;
};
long task_clone(struct task *t, const struct clone_args_k *args);
/* Ends the current task: code is a wait status. Does not return. */
void task_exit(struct task *t, int code) __attribute__((noreturn));
/* Starts ending the whole group; the caller must then leave through task_exit (dispatch does). */
void tg_exit(struct thread_group *tg, int code);
/* Wakes a task so that it looks at its signals, wherever it is (sleeping or in guest code). */
void task_kick(struct task *t);
/* True when the task has to leave its syscall: signal to handle or group exit. */
bool task_signal_pending(const struct task *t);
/* The same, but for the sandbox's freezing, which looks like a signal to whoever sleeps. */
bool task_signal_waiting(const struct task *t);
bool task_fatal_pending(const struct task *t);

uint64_t rlimit_cur(const struct task *t, int resource);

/* The first process: loads argv[0] in a new address space and queues its fiber. */
struct boot_params;
int task_boot(const struct boot_params *p, struct error *e);

#endif
