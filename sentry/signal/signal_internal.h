/* Default dispositions, shared by sending and delivery. */
#ifndef NV_SENTRY_SIGNAL_SIGNAL_INTERNAL_H
#define NV_SENTRY_SIGNAL_SIGNAL_INTERNAL_H

#include "sentry/signal/signal.h"

#define SIGRTMIN_KERNEL 32
#define SIG_UNMASKABLE (ksig_bit(SIGKILL) | ksig_bit(SIGSTOP))
#define SIG_DEFAULT_IGNORE                                                                         \
    (ksig_bit(SIGCHLD) | ksig_bit(SIGCONT) | ksig_bit(SIGURG) | ksig_bit(SIGWINCH))
#define SIG_DEFAULT_STOP                                                                           \
    (ksig_bit(SIGSTOP) | ksig_bit(SIGTSTP) | ksig_bit(SIGTTIN) | ksig_bit(SIGTTOU))

/* frame.c: pushes a frame for the handler; -EFAULT when the stack is bad. */
int signal_push_frame(struct task *t, const siginfo_t *info, const struct ksigaction *a,
                      ksigset mask);

/* send.c: a restored signal joins the queue, charged to a user. 0 or -ENOMEM. */
int sigpending_restore(struct sigpending *p, uid_t uid, const siginfo_t *info);
uid_t sigqueue_uid(const struct sigqueue *q);

#define SS_AUTODISARM_K ((int)(1U << 31))
bool signal_on_altstack(const struct task *t, uint64_t sp);
/* sigaltstack(2) by a task whose stack pointer is sp: -EPERM, -EINVAL, -ENOMEM. */
int signal_set_altstack(struct task *t, stack_t new, uint64_t sp);

#endif
