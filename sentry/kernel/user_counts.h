/*
 * What each user has of things that are limited by user: watches, queued signals.
 * Users are those of the sandbox, whatever a user namespace calls them.
 */
#ifndef NV_SENTRY_KERNEL_USER_COUNTS_H
#define NV_SENTRY_KERNEL_USER_COUNTS_H

#include <stdint.h>
#include <sys/types.h>

enum user_count {
    USER_SIGNALS, /* and POSIX timers, which have one each: RLIMIT_SIGPENDING */
    USER_INOTIFY_INSTANCES,
    USER_INOTIFY_WATCHES,
    USER_EPOLL_WATCHES,
    USER_COUNTS
};

struct user_counts;

/* NULL: it would be more than limit, or there is no memory. Else the user, to be given back. */
struct user_counts *user_charge(uid_t uid, enum user_count what, uint64_t n, uint64_t limit);
/* u is gone when this was its last. NULL is nobody. */
void user_uncharge(struct user_counts *u, enum user_count what, uint64_t n);
uint64_t user_count_of(const struct user_counts *u, enum user_count what);
uid_t user_counts_uid(const struct user_counts *u);

#endif
