/* Names of the sandbox: what uname(2) and /proc/sys/kernel show. */
#ifndef NV_SENTRY_KERNEL_UTS_H
#define NV_SENTRY_KERNEL_UTS_H

struct uts_ns {
    char nodename[65], domainname[65];
};

/* The Linux whose behaviour the sentry follows. */
#define NV_UTS_RELEASE "6.1.0-nanovisor"
#define NV_UTS_VERSION "#1 SMP PREEMPT_DYNAMIC NanoVisor"

struct uts_ns *uts_root(void);

#endif
