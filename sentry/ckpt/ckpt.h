/*
 * Checkpoints as the rest of the sentry sees them: taking one when the CLI asks, and starting from
 * one in place of a program.
 */
#ifndef NV_SENTRY_CKPT_CKPT_H
#define NV_SENTRY_CKPT_CKPT_H

#include <stdbool.h>
#include <stdint.h>

/* Descriptors that come with CTL_CHECKPOINT; all are taken over. */
struct checkpoint_request {
    int kernel_fd, pages_fd; /* empty files; -1: only look what could not be saved */
    int report_fd;           /* what could not be saved, a line each; else figures as JSON */
    bool leave_running;
    bool settle; /* first, that its tasks come to rest */
};

/* Components of vector state that a task has in use: told to the CLI, for the manifest. */
void checkpoint_uses_xstate(uint64_t features);
/* Queues the checkpoint; its end is told to the CLI by CTL_SAVED. 0 or negative errno. */
int checkpoint_start(const struct checkpoint_request *req);
/* Writes what the sandbox has touched since its restore to fd, which is taken over. As above. */
int wset_record_start(int fd);
/* Queues the restore of sandbox->restore: the counterpart of init_start(). */
int restore_start(void);

#endif
