/* What the files of sentry/kernel and sentry/signal share among themselves. */
#ifndef NV_SENTRY_KERNEL_TASK_INTERNAL_H
#define NV_SENTRY_KERNEL_TASK_INTERNAL_H

#include <sys/wait.h>

#include "sentry/kernel/task.h"

struct futex_key;

/* si_code of a SIGCHLD about a process that has ended. */
static inline int exit_cld(int status)
{
    return !WIFSIGNALED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
}

struct task *task_new(struct thread_group *tg);
void task_release_id(struct task *t);
/* Restored tasks and process groups take their old numbers: false if one is taken or impossible. */
bool task_claim_id(struct task *t);
bool pgrp_claim_id(struct process_group *p);
pid_t task_last_id(void);
void task_set_last_id(pid_t id);
/* run.c: gives a restored task its host thread. 0 or negative errno. Blocks. */
/* The host thread of t runs where its affinity says; before another task may get it, anywhere. */
void sched_pin(struct task *t);
void sched_unpin(struct task *t);
int task_materialize(struct task *t);
void task_swap_ids(struct task *t, struct task *leader);
struct thread_group *tg_new(void);
int tg_join_pgrp(struct thread_group *tg, pid_t id, struct session *s);
void tg_leave_pgrp(struct thread_group *tg);
struct process_group *pgrp_find(pid_t id);
struct session *session_new(pid_t id);
void session_tty_release(struct session *s);
/* SIGHUP for the foreground: setsid(2). */
void session_leader_exited(struct session *s);

void itimer_real_expired(struct ktimer *t);
void tg_exit_overdue(struct ktimer *k);

/* run.c: starts the task's fiber; it runs task_main. */
int task_start(struct task *t);
/* Runs guest code and its calls until the task exits; the end of every task's fiber. */
void task_run(struct task *t) __attribute__((noreturn));
/* exit.c */
void tg_orphan_check(struct thread_group *tg);
/* Has no member a parent outside of it in the same session? setpgid(2). */
bool pgrp_is_orphaned(struct process_group *p);
void tg_reap(struct thread_group *tg); /* a zombie was waited for */
/* A zombie becomes its parent's affair. */
void tg_tell_parent(struct thread_group *tg);
/* An exited task that its tracer has waited for, or that has none any more. */
void trace_release_held(struct task *t);
void task_kill_others(struct task *t); /* exec: all other threads of the group; parks */
void robust_list_exit(struct task *t);
/* exec_cred.c: what t becomes by executing f. Parks. */
struct exec_creds {
    struct cred *cred; /* owned */
    bool secure;       /* AT_SECURE */
    bool gained;       /* something that t had not */
    bool dumpable;
};
int exec_cred(struct task *t, const struct file *f, struct exec_creds *out);
/* exec_syscall.c: execve from inside the sentry, for the first process. */
int task_exec(struct task *t, int dirfd, const char *name, int at_flags, char **argv, char **envp);
/* rusage.c: adds the task's host CPU time to its group. */
void task_account(struct task *t);
/* exit.c: gives up memory and platform thread; vfork parents go on. */
void task_exit_memory(struct task *t);
void task_release_vfork(struct task *t);
/* Clears the word of CLONE_CHILD_CLEARTID for those who share the memory; wakes its waiters. */
void task_clear_tid(struct task *t);
/* futex.c, futex_pi.c */
int futex_wake_addr(struct task *t, uint64_t addr, bool private_, int n);
bool futex_same_key(const struct futex_key *a, const struct futex_key *b);
void futex_pi_exit(struct task *t); /* waiters get the locks that t owned */
/* rseq.c: the host thread changes hands; a restored task has one; it was interrupted. */
void task_rseq_leave(struct task *t);
void task_rseq_restore(struct task *t);
void task_rseq_abort(struct task *t);
bool rseq_offered(void);
/* facts.c, posix timers: sentry/time */
void task_publish_facts(struct task *t);
void posix_timers_exit(struct thread_group *tg);
void itimers_cpu_exit(struct thread_group *tg);
void posix_timers_exec(struct thread_group *tg);
/* A timer's signal is about to be delivered: fills in how many expirations it stands for. */
void posix_timer_taken(struct thread_group *tg, siginfo_t *info);

/* PR_SET_SYSCALL_USER_DISPATCH: may the call at hand be made? Otherwise it has its SIGSYS. */
bool user_dispatch_allows(struct task *t);
long user_dispatch_set(struct task *t, uint64_t mode, uint64_t start, uint64_t len,
                       uint64_t selector);

#endif
