/* Names of flags and enumerations; FLAGS(x) and ENUM(x) of syscalls.def refer to them as FS_x. */
#ifndef NV_SENTRY_STRACE_SETS_H
#define NV_SENTRY_STRACE_SETS_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define FLAG_SETS(X)                                                                               \
    X(open) X(seek) X(prot) X(map) X(sigmask_how) X(ioctl) X(access) X(mremap) X(msync)            \
    X(madvise) X(ipc) X(shm) X(itimer) X(af) X(socktype) X(msg) X(shut) X(sol) X(clone) X(wait)    \
    X(fcntl) X(flock) X(rlimit) X(rusage) X(ptrace) X(sched) X(mlockall) X(prctl) X(arch_prctl)    \
    X(mount) X(umount) X(xattr) X(futex) X(fadvise) X(clock) X(timer) X(epoll_ctl) X(idtype)       \
    X(inotify) X(at) X(splice) X(tfd) X(fallocate) X(sfd) X(efd) X(epoll) X(rename) X(getrandom)   \
    X(memfd) X(membarrier) X(rwf) X(close_range)
/* clang-format on */

enum flag_set {
#define X(name) FS_##name,
    FLAG_SETS(X)
#undef X
        FS_COUNT
};

struct flag_name {
    uint64_t value;
    const char *name;
};

struct flag_set_info {
    bool is_enum;
    const struct flag_name *names; /* ended by a NULL name; NULL: shown in hex */
};

extern const struct flag_set_info flag_sets[FS_COUNT];

#endif
