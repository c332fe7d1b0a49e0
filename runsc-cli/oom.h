/*
 * Who is killed first when a sandbox is at its --memory: proc_pid_oom_score_adj(5). The sentry and
 * the gofer come last, guests in the order that they have chosen themselves.
 */
#ifndef NV_RUNSC_CLI_OOM_H
#define NV_RUNSC_CLI_OOM_H

#include <sys/types.h>

/* Only root may make a process less likely to be killed; for others nothing changes. */
void oom_spare(pid_t pid);
/* A stub of the sentry, by its pidfd, gets what its guest has written. */
void oom_adjust_stub(pid_t sentry, int pidfd, int value);

#endif
