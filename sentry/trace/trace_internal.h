/* Shared by the files of sentry/trace. */
#ifndef NV_SENTRY_TRACE_TRACE_INTERNAL_H
#define NV_SENTRY_TRACE_TRACE_INTERNAL_H

#include "sentry/kernel/task.h"
#include "sentry/trace/trace.h"

/* Ends the stop of t; it goes on with the signal. */
void trace_go_on(struct task *t, int sig);
/* t is in a stop and its host thread, if it has one, stays parked until trace_unuse(). */
void trace_use(struct task *t);
void trace_unuse(struct task *t);

/* regs.c: requests about registers; -EIO for others. */
long trace_regs_request(struct task *by, struct task *t, long request, uint64_t addr,
                        uint64_t data);
/* memory.c: PEEK and POKE of one word. */
long trace_peek(struct task *by, struct task *t, uint64_t addr, uint64_t to);
long trace_poke(struct task *by, struct task *t, uint64_t addr, uint64_t word);
/* info.c: what a tracer asks about a stop, signals and calls. */
long trace_info_request(struct task *by, struct task *t, long request, uint64_t addr,
                        uint64_t data);

#endif
