/* The root record: what is not an object of its own. */
#ifndef NV_SENTRY_CKPT_STATE_H
#define NV_SENTRY_CKPT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sentry/ckpt/channel.h"
#include "sentry/kernel/rusage.h"

struct mount_ns;
struct thread_group;

struct sandbox_state {
    uint64_t guest_mono_ns; /* the guest's CLOCK_MONOTONIC when it stopped */
    pid_t last_tid;
    struct thread_group *init;
    struct mount_ns *mnt;
    char nodename[65], domainname[65];
    struct channel_state channel;
    struct sandbox_totals totals;
    bool nodename_kept; /* the guest has set it: a restored sandbox keeps it */
};

#endif
