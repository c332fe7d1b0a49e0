/* Timers that count the CPU time of a process: ITIMER_VIRTUAL and PROF, RLIMIT_CPU, CPU clocks. */
#ifndef NV_SENTRY_TIME_CPUTIMER_H
#define NV_SENTRY_TIME_CPUTIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct strbuf;
struct task;
struct thread_group;

struct cpu_timer {
    struct list node;                  /* armed while linked */
    uint64_t expires_ns;               /* of tg_cpu_ns() */
    void (*fire)(struct cpu_timer *c); /* runs on the loop, disarmed; may arm again */
    struct thread_group *tg;
};

void cpu_timer_init(struct cpu_timer *c, struct thread_group *tg,
                    void (*fire)(struct cpu_timer *c));
/* Re-arms when armed. 0 or -ENOMEM. */
int cpu_timer_arm(struct cpu_timer *c, uint64_t expires_ns);
/* Armed as it was in an image: looked at when the group first runs. */
int cpu_timer_rearm(struct cpu_timer *c, uint64_t expires_ns);
void cpu_timer_cancel(struct cpu_timer *c);
static inline bool cpu_timer_armed(const struct cpu_timer *c)
{
    return c->node.next && !list_empty(&c->node);
}
/* Guest code of the group runs on: called where tg->cpu_watch is set, before each run. */
void cpu_watch_resume(struct thread_group *tg);
/* RLIMIT_CPU was set, or came with a fork; with an image. 0 or -ENOMEM. */
int cpu_limit_restored(struct thread_group *tg);
int cpu_limit_changed(struct thread_group *tg);
/* posix_timer.c: /proc/PID/timers */
int posix_timers_print(struct task *t, struct strbuf *out);
/* The group has exited. */
void cpu_watch_exit(struct thread_group *tg);

#endif
