/* Filters that guests set on themselves: seccomp(2). Filters of a task form a chain, shared with
 * whoever inherited it. */
#ifndef NV_SENTRY_SECCOMP_SECCOMP_H
#define NV_SENTRY_SECCOMP_SECCOMP_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/seccomp/bpf.h"

struct file;
struct notifier;
struct task;

struct seccomp_filter {
    unsigned int refs; /* of tasks and of later filters; the listener holds none of them */
    struct seccomp_filter *prev;
    unsigned int len;
    bool log, wait_killable;
    struct sock_filter *insns;
    struct notifier *notifier; /* of its listener, which is open; NULL */
};

/* Asks the filters about the call at hand. False: it is not made, its result is t->sys_result. */
bool seccomp_allows(struct task *t);
void seccomp_inherit(struct task *t, struct task *c);
void seccomp_task_exit(struct task *t);
unsigned int seccomp_count(const struct task *t);
/* prctl(2). */
long seccomp_prctl(struct task *t, uint64_t mode, uint64_t filter);

/* notify.c: asks who listens. True: the call is made. */
bool seccomp_ask(struct task *t, struct seccomp_filter *f, const struct seccomp_data *d);
/* The descriptor's file; the filter's notifier is set. */
struct file *seccomp_listener(struct seccomp_filter *f);
void seccomp_filter_unused(struct seccomp_filter *f);

#endif
