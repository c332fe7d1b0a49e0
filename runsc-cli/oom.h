/*
 * Who is killed first when a sandbox is at its --memory: proc_pid_oom_score_adj(5). The sentry and
 * the gofer come last, guests in the order that they have chosen themselves.
 */
#ifndef NV_RUNSC_CLI_OOM_H
#define NV_RUNSC_CLI_OOM_H

#include <sys/types.h>

/* Before its stubs are there, which inherit what it gets: as processes of guests. */
void oom_begin(pid_t sentry);
/* They are: the sentry and the gofer come last, as far as we may. */
void oom_spare(pid_t pid);
/* A stub of the sentry, by its pidfd, gets what its guest has written. */
void oom_adjust_stub(pid_t sentry, int pidfd, int value);

#endif
