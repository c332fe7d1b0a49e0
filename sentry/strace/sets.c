/* See sets.h. Sets without names are shown as numbers. */
#include "sentry/strace/sets.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* clang-format off: tables */
#define N(x)                                                                                       \
    {                                                                                              \
        (uint64_t)(x), #x                                                                          \
    }
#define END                                                                                        \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static const struct flag_name open_names[] = {
    N(O_WRONLY),  N(O_RDWR),      N(O_CREAT),    N(O_EXCL),
    N(O_NOCTTY),  N(O_TRUNC),     N(O_APPEND),   N(O_NONBLOCK),
    N(O_TMPFILE), N(O_DIRECTORY), N(O_NOFOLLOW), N(O_CLOEXEC),
    N(O_PATH),    N(O_SYNC),      N(O_DIRECT),   END};
static const struct flag_name seek_names[] = {N(SEEK_SET),  N(SEEK_CUR),  N(SEEK_END),
                                              N(SEEK_DATA), N(SEEK_HOLE), END};
static const struct flag_name prot_names[] = {N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), END};
static const struct flag_name map_names[] = {N(MAP_SHARED),
                                             N(MAP_PRIVATE),
                                             N(MAP_FIXED),
                                             N(MAP_ANONYMOUS),
                                             N(MAP_NORESERVE),
                                             N(MAP_POPULATE),
                                             N(MAP_GROWSDOWN),
                                             N(MAP_STACK),
                                             N(MAP_DENYWRITE),
                                             N(MAP_FIXED_NOREPLACE),
                                             END};
static const struct flag_name sigmask_names[] = {N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK), END};
static const struct flag_name access_names[] = {N(R_OK), N(W_OK), N(X_OK), END};
static const struct flag_name madvise_names[] = {
    N(MADV_NORMAL),   N(MADV_WILLNEED),   N(MADV_DONTNEED), N(MADV_FREE), N(MADV_DONTFORK),
    N(MADV_HUGEPAGE), N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), END};
static const struct flag_name clone_names[] = {N(CLONE_VM),
                                               N(CLONE_FS),
                                               N(CLONE_FILES),
                                               N(CLONE_SIGHAND),
                                               N(CLONE_VFORK),
                                               N(CLONE_PARENT),
                                               N(CLONE_THREAD),
                                               N(CLONE_NEWNS),
                                               N(CLONE_SYSVSEM),
                                               N(CLONE_SETTLS),
                                               N(CLONE_PARENT_SETTID),
                                               N(CLONE_CHILD_CLEARTID),
                                               N(CLONE_CHILD_SETTID),
                                               N(CLONE_NEWUSER),
                                               N(CLONE_NEWPID),
                                               N(CLONE_NEWNET),
                                               END};
static const struct flag_name wait_names[] = {N(WNOHANG),    N(WUNTRACED), N(WEXITED),
                                              N(WCONTINUED), N(WNOWAIT),   END};
static const struct flag_name fcntl_names[] = {N(F_DUPFD),         N(F_GETFD),
                                               N(F_SETFD),         N(F_GETFL),
                                               N(F_SETFL),         N(F_GETLK),
                                               N(F_SETLK),         N(F_SETLKW),
                                               N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ),
                                               N(F_GETPIPE_SZ),    N(F_ADD_SEALS),
                                               N(F_GET_SEALS),     END};
static const struct flag_name af_names[] = {N(AF_UNIX),    N(AF_INET),   N(AF_INET6),
                                            N(AF_NETLINK), N(AF_PACKET), END};
static const struct flag_name socktype_names[] = {
    N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_SEQPACKET), N(SOCK_NONBLOCK), N(SOCK_CLOEXEC), END};
static const struct flag_name clock_names[] = {
    N(CLOCK_REALTIME),          N(CLOCK_MONOTONIC),     N(CLOCK_PROCESS_CPUTIME_ID),
    N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE),
    N(CLOCK_MONOTONIC_COARSE),  N(CLOCK_BOOTTIME),      END};
static const struct flag_name epoll_ctl_names[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL),
                                                   N(EPOLL_CTL_MOD), END};
static const struct flag_name at_names[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_REMOVEDIR),
                                            N(AT_SYMLINK_FOLLOW),   N(AT_EMPTY_PATH),
                                            N(AT_NO_AUTOMOUNT),     END};
static const struct flag_name prctl_names[] = {
    N(PR_SET_NAME),     N(PR_GET_NAME),     N(PR_SET_PDEATHSIG),
    N(PR_SET_DUMPABLE), N(PR_GET_DUMPABLE), N(PR_SET_NO_NEW_PRIVS),
    N(PR_CAPBSET_READ), N(PR_SET_VMA),      END};
static const struct flag_name futex_names[] = {{0, "FUTEX_WAIT"},
                                               {1, "FUTEX_WAKE"},
                                               {3, "FUTEX_REQUEUE"},
                                               {4, "FUTEX_CMP_REQUEUE"},
                                               {5, "FUTEX_WAKE_OP"},
                                               {9, "FUTEX_WAIT_BITSET"},
                                               {10, "FUTEX_WAKE_BITSET"},
                                               {128, "FUTEX_WAIT_PRIVATE"},
                                               {129, "FUTEX_WAKE_PRIVATE"},
                                               {137, "FUTEX_WAIT_BITSET_PRIVATE"},
                                               END};

const struct flag_set_info flag_sets[FS_COUNT] = {
    [FS_open] = {false, open_names},
    [FS_seek] = {true, seek_names},
    [FS_prot] = {false, prot_names},
    [FS_map] = {false, map_names},
    [FS_sigmask_how] = {true, sigmask_names},
    [FS_access] = {false, access_names},
    [FS_madvise] = {true, madvise_names},
    [FS_clone] = {false, clone_names},
    [FS_wait] = {false, wait_names},
    [FS_fcntl] = {true, fcntl_names},
    [FS_af] = {true, af_names},
    [FS_socktype] = {false, socktype_names},
    [FS_clock] = {true, clock_names},
    [FS_epoll_ctl] = {true, epoll_ctl_names},
    [FS_at] = {false, at_names},
    [FS_prctl] = {true, prctl_names},
    [FS_futex] = {true, futex_names},
};
