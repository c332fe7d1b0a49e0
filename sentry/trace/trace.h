/*
 * One guest traces another: ptrace(2). A stop is a state of the tracee, not a place in its code:
 * its fiber parks in trace_rest() with everything that follows told by task_trace.kind, so that a
 * checkpoint can save a task in a stop.
 */
#ifndef NV_SENTRY_TRACE_TRACE_H
#define NV_SENTRY_TRACE_TRACE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/list.h"

struct mm;
struct task;
struct thread_group;

enum trace_kind { /* what the tracee does when it goes on */
                  TRACE_NONE,
                  TRACE_ENTRY,   /* makes the call, as the tracer has left it */
                  TRACE_SECCOMP, /* asks the filters again, then makes the call */
                  TRACE_SIGNAL,  /* takes the signal that the tracer gives it */
                  TRACE_END,     /* exits */
                  TRACE_OTHER,   /* looks at its signals */
                  TRACE_LAST = TRACE_OTHER,
};

enum trace_resume { RESUME_CONT, RESUME_SYSCALL, RESUME_STEP, RESUME_EMU, RESUME_EMU_STEP };

struct task_trace {
    struct task *tracer; /* holds nothing: both sides let go of it before they end */
    struct list node;    /* in tracer->trace.tracees */
    struct list tracees;
    bool seized;
    uint32_t options;
    uint8_t resume; /* enum trace_resume: how it was last let go on */
    /* The stop it is in. */
    bool stopped, reported; /* reported: a wait has seen it */
    bool listening;
    bool has_info;
    uint8_t kind;
    int code;         /* wait status >> 8 */
    uint64_t message; /* PTRACE_GETEVENTMSG; stays */
    siginfo_t info;
    int given;         /* the signal it goes on with */
    bool regs_changed; /* by the tracer */
    bool making;       /* its host thread, after a restore */
    unsigned int busy; /* calls of others that use its host thread now */
    /* What it is to stop for. */
    bool trap_due;       /* PTRACE_INTERRUPT, or its group was stopped or continued */
    bool past_stop;      /* the stop of its group was reported and the tracer let it go on */
    bool killed;         /* by SIGKILL: no stop holds it */
    bool exit_due;       /* the end of the call at hand is to be reported */
    uint32_t event_due;  /* PTRACE_EVENT_*, of the call at hand, with */
    uint64_t event_msg;  /* its message */
    uint64_t vfork_done; /* PTRACE_EVENT_VFORK_DONE is to come, about this task */
    bool emulated;       /* PTRACE_SYSEMU led to the stop in front of a call */
    bool recheck;        /* the tracer has decided about the call: filters only look again */
    bool pass;           /* restored: info is a signal that its tracer has seen */
    bool forced_tf;      /* the flag for single steps is not its own */
    bool held;           /* it has exited, and its tracer has not waited for it */
};

void trace_task_init(struct task *t);
static inline bool trace_option(const struct task_trace *tr, uint32_t option)
{
    return tr->tracer && (tr->options & option);
}

/* --- for the tracee's own loop; all of them may park --- */
/* In front of a call: false: it is not made, its result is t->sys_result. */
bool trace_enter(struct task *t);
/* A filter wants the tracer to decide. As above; the call's number may be another one afterwards.
 */
bool trace_seccomp(struct task *t, uint32_t data);
/* What the call at hand has to report; before signals. */
void trace_leave(struct task *t);
/* A signal was taken off the queues: false if there is none any more. */
bool trace_signal(struct task *t, siginfo_t *info);
/* The stop of the group, or trap_due. */
void trace_trap(struct task *t);
/* A step that led into a handler. */
void trace_stepped(struct task *t);
/* The last thing that t does. */
void trace_exit_stop(struct task *t, int code);
/* A restored task in a stop waits there. True: then its call is to be made. */
bool trace_rest_restored(struct task *t);
/* Around guest code. */
void trace_arm_step(struct task *t);
void trace_disarm_step(struct task *t);
bool trace_stepping(const struct task *t);

/* --- for those who make, end and stop tasks --- */
/* The call of t has made c, traced as the flags of clone(2) and the tracer's options say. */
void trace_cloned(struct task *t, struct task *c, uint64_t flags, int exit_signal);
void trace_execed(struct task *t, pid_t old_tid);
/* t ends: lets go of its tracees; is not held any more. */
void trace_let_go(struct task *t);
void trace_unlink(struct task *t);
/* Is a task of the group traced? */
bool trace_group_traced(const struct thread_group *tg);
/* SIGKILL, or the end of the group: nobody stays in a stop. */
void trace_kill_group(struct thread_group *tg);
void trace_kill(struct task *t);
/* SIGCONT. */
void trace_continued(struct task *t);
/* A new stop of the group begins. */
void trace_group_stops(struct task *t);
/* Is t's tracer not in its parent's group? Then the parent hears of it only afterwards. */
bool trace_reparented(const struct task *t);
/* May viewer trace target? ptrace(2): "Ptrace access mode checking", with real ids. */
bool trace_may_attach(const struct task *viewer, const struct task *target);

/* memory.c: what a debugger writes, also where the program may not. Bytes or negative errno. */
ssize_t trace_write_mem(struct task *by, struct mm *mm, uint64_t addr, const void *src, size_t len);

/* regs.c: registers as a tracer sees them, of a task in a stop. */
void trace_show_regs(struct task *t);
void trace_take_regs(struct task *t);
/* The vector registers of a task that is parked in an event, as NT_X86_XSTATE has them. Parks. */
int trace_vectors(struct task *t, char *buf, size_t size);

/* wait.c in sentry/kernel */
struct wait_request;

#endif
