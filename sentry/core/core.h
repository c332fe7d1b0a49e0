/* Core files of guests: core(5). */
#ifndef NV_SENTRY_CORE_CORE_H
#define NV_SENTRY_CORE_CORE_H

#include <signal.h>
#include <stdbool.h>

struct task;
struct thread_group;

/* Does the default action of sig write one? signal(7) */
bool core_is_due(int sig);
/*
 * t ends by a signal. With --core, and if its limits and rights allow it, all threads of its group
 * stop and a core file is written; true: there is one. Parks; the caller ends the group at once.
 */
bool core_dump(struct task *t, const siginfo_t *info);
/* For a task of a group that is being dumped: stops until the group ends. */
void core_join(struct task *t);
/* SIGKILL while a group is being dumped: the core file is given up. */
void core_interrupt(struct thread_group *tg);

#endif
