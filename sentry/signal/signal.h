/*
 * Signals: sending, pending queues, dispositions, frames, stops. All of them are the sentry's own;
 * host signals are never used for guest signals.
 */
#ifndef NV_SENTRY_SIGNAL_SIGNAL_H
#define NV_SENTRY_SIGNAL_SIGNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"
#include "sentry/kernel/waitq.h"

#define NV_NSIG 64

typedef uint64_t ksigset; /* bit n-1 is signal n: the kernel's layout */
#define ksig_bit(sig) (1ULL << ((sig)-1))

struct ksigaction { /* the kernel's struct sigaction of rt_sigaction(2) on x86-64 */
    uint64_t handler, flags, restorer;
    ksigset mask;
};

struct gthread;
struct user_counts;

struct sigqueue {
    struct list node;
    struct user_counts *user; /* charged */
    siginfo_t info;
};

struct sigpending {
    ksigset set;
    struct list queue; /* of struct sigqueue */
    int count;
};

struct signal_shared { /* sighand */
    unsigned int refs;
    struct ksigaction action[NV_NSIG + 1];
    struct list signalfd_waiters;
};

struct task_signal {
    ksigset blocked; /* while in guest code the thread itself knows better: signal_blocked() */
    ksigset saved_blocked; /* rt_sigsuspend, ppoll..., restored by the frame */
    bool restore_saved;
    ksigset shown; /* to the platform, with "a signal waits" or not: signal_show_mask() */
    bool waits_shown;
    const struct gthread *shown_to;
    ksigset waiting_for; /* rt_sigtimedwait */
    int fault_sig;       /* the fault being delivered: its frame carries trapno, err, cr2 */
    ksigset sync;        /* pending faults of the current instruction: delivered first */
    struct sigpending pending;
    stack_t altstack;
    struct waitq wq; /* woken when a signal is queued that this task may take (signalfd, sigwait) */
};

struct group_signal {
    struct sigpending pending;
    int stop_signal;    /* group stop requested by this signal, 0 none */
    bool stopped;       /* all tasks stopped and parent told */
    bool continued;     /* WCONTINUED not yet reported */
    bool stop_reported; /* a wait has seen it */
    int last_stop;
    struct waitq stop_wq; /* stopped tasks sleep here */
    struct waitq wq;      /* signalfd: any shared signal queued */
};

struct task;
struct thread_group;

/* info->si_signo names the signal. 0 or -EAGAIN (queue limit). Permission is the caller's matter.
 */
int signal_send_task(struct task *t, const siginfo_t *info);
/* Signals that are sent between on and off were charged to their user before. */
void signal_reserved(bool on);
int signal_send_group(struct thread_group *tg, const siginfo_t *info);
int signal_send_pgrp(pid_t pgid, const siginfo_t *info); /* -ESRCH when empty */
void siginfo_kernel(siginfo_t *info, int sig);           /* SI_KERNEL, no sender */
void siginfo_user(siginfo_t *info, int sig, int code, struct task *sender);
/* A synchronous fault: cannot be blocked or ignored. */
void signal_force(struct task *t, const siginfo_t *info);
/* EPERM check of kill(2). */
int signal_may_send(struct task *sender, struct thread_group *to, int sig);

/*
 * Called by the task's loop before it returns to guest code: handles everything pending, finishes
 * syscall restarts, builds frames, stops. May not return (fatal signal).
 */
void signal_deliver(struct task *t);
/* The guest makes its call again, as call nr; for handlers, which then return 0. */
void signal_rewind_call(struct task *t, long nr);
void signal_task_init(struct task *t);
/* fork: handlers copied or shared; exec: reset to default. */
struct signal_shared *sighand_new(void);
struct signal_shared *sighand_get(struct signal_shared *s);
struct signal_shared *sighand_copy(const struct signal_shared *s);
void sighand_put(struct signal_shared *s);
void sighand_exec(struct signal_shared *s);
void sigpending_flush(struct sigpending *p);
/* What a task blocks, wherever it is. */
ksigset signal_blocked(const struct task *t);
/* Around guest code: hands the mask to the platform, if it is not there yet, and takes it back. */
bool signal_mask_shown(const struct task *t);
void signal_show_mask(struct task *t);
void signal_take_mask(struct task *t);
/* Changes the blocked mask and re-evaluates what is pending. */
void signal_set_blocked(struct task *t, ksigset mask);
/* For ppoll, pselect, epoll_pwait, sigsuspend: temporary mask until the syscall ends. */
int signal_set_temp_mask(struct task *t, uint64_t mask_addr, uint64_t size); /* -EINVAL, -EFAULT */
/* Takes one signal in set off the queues (thread first). 0 or -EAGAIN. For sigwait and signalfd. */
int signal_dequeue(struct task *t, ksigset set, siginfo_t *out);
ksigset signal_pending_set(const struct task *t); /* own and shared pending */
/* Drops every pending instance of sig in the group: its action has become "ignore". */
void signal_discard(struct thread_group *tg, int sig);
/* Checkpoints: the signals pending in a queue, as part of its owner's record. */
struct ckpt_writer;
struct ckpt_reader;
void sigpending_save(struct ckpt_writer *w, const struct sigpending *p);
void sigpending_load(struct ckpt_reader *r, struct sigpending *p);
/* Tells parent about exit, stop (CLD_STOPPED), continue. */
void signal_notify_parent(struct thread_group *tg, int cld_code, int status);

#endif
