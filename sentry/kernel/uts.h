/* Names of the sandbox: what uname(2) and /proc/sys/kernel show. */
#ifndef NV_SENTRY_KERNEL_UTS_H
#define NV_SENTRY_KERNEL_UTS_H

#include "sentry/kernel/waitq.h"
#include "sentry/ns/ns.h"

struct uts_ns {
    struct ns_base base; /* id 0: the first */
    char nodename[65], domainname[65];
};

/* The Linux whose behaviour the sentry follows. */
#define NV_UTS_RELEASE "6.1.0-nanovisor"
#define NV_UTS_VERSION "#1 SMP PREEMPT_DYNAMIC NanoVisor"

/* A name of any namespace was set: poll(2) of the two files in /proc/sys/kernel. */
extern struct change nodename_change, domainname_change;
/* The first 64 bytes of it. */
void uts_set_name(char to[65], const char *name, size_t len);

struct uts_ns *uts_root(void);
struct uts_ns *uts_ns_copy(const struct uts_ns *old, struct user_ns *owner); /* NULL: too many */
struct uts_ns *uts_ns_get(struct uts_ns *ns);
void uts_ns_put(struct uts_ns *ns); /* NULL: nothing */

#endif
