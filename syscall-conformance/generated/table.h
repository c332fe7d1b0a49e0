/*
 * The calls that are made: every served row of sentry/syscalls.def with values that are good for
 * its kinds of arguments, or the rows below where others reach deeper, or where the good ones would
 * do something to the machine. Nothing here may change anything outside of the process, its
 * namespaces and its temporary directory, whoever runs it.
 */
#ifndef CONFORMANCE_GENERATED_TABLE_H
#define CONFORMANCE_GENERATED_TABLE_H

#include <stdint.h>
#include <sys/syscall.h>

#include "../sentry/argkinds.h"

/* Descriptors that every child has. */
enum fixture {
    FX_FILE = 3,
    FX_FILE_RO,
    FX_FILE_WO,
    FX_PATH,
    FX_DIR,
    FX_PATH_DIR,
    FX_PIPE_R,
    FX_PIPE_W,
    FX_PIPE2_R,
    FX_PIPE2_W,
    FX_STREAM,
    FX_STREAM_PEER,
    FX_SEQ,
    FX_SEQ_PEER,
    FX_DGRAM,
    FX_LISTEN,
    FX_EPOLL,
    FX_EVENTFD,
    FX_SIGNALFD,
    FX_TIMERFD,
    FX_INOTIFY,
    FX_PIDFD,
    FX_MEMFD,
    FX_NULL,
    FX_END,
    FX_CLOSED = 900,
};

#define SCRATCH 0x20000000000L /* some pages for calls on mappings */

/* Values that stand for others. */
#define G (-0x7ffffffffffffff0L)    /* what is good for the kind */
#define SELF (-0x7ffffffffffffff1L) /* the own process */
#define IOV (-0x7ffffffffffffff2L)  /* a PTR to one vector of 16 bytes */
#define STR(s) ((long)(s))

enum call_flags {
    ALONE = 1,   /* not as it stands: it would wait, or do too much */
    MAPPINGS = 2 /* SCRATCH is mapped anew before each case */
};

struct call {
    int nr;
    const char *name, *variant;
    unsigned int flags;
    uint32_t kind[6];
    long value[6];
};

/* Calls that are not made at all: they end or stop the process, or concern the whole machine. */
#define NEVER                                                                                      \
    SYS_exit, SYS_exit_group, SYS_fork, SYS_vfork, SYS_pause, SYS_rt_sigreturn,                    \
        SYS_restart_syscall, SYS_vhangup, SYS_acct, SYS_swapon, SYS_swapoff, SYS_reboot,           \
        SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module, SYS_delete_module, \
        SYS_quotactl, SYS_iopl, SYS_ioperm, SYS_migrate_pages, SYS_uselib, SYS_syncfs

/* clang-format off: one call a row */
/* CALL(name, variant, flags, values...): kinds are those of syscalls.def. */
#define CALLS(CALL)                                                                                \
    CALL(poll, "", 0, G, 1, 0)                                                                     \
    CALL(select, "", 0, 8, G, G, G, G)                                                             \
    CALL(mmap, "anonymous", MAPPINGS, SCRATCH, 4096, 3, 0x22, -1, 0)                               \
    CALL(mmap, "file", MAPPINGS, SCRATCH, 4096, 1, 1, FX_FILE, 0)                                  \
    CALL(mprotect, "", MAPPINGS, SCRATCH, 4096, 3)                                                 \
    CALL(munmap, "", MAPPINGS, SCRATCH, 4096)                                                      \
    CALL(mremap, "", MAPPINGS, SCRATCH, 4096, 8192, 1, SCRATCH + 0x8000)                           \
    CALL(msync, "", MAPPINGS, SCRATCH, 4096, 0)                                                    \
    CALL(mincore, "", MAPPINGS, SCRATCH, 4096, G)                                                  \
    CALL(madvise, "", MAPPINGS, SCRATCH, 4096, 4)                                                  \
    CALL(mlock, "", MAPPINGS, SCRATCH, 4096)                                                       \
    CALL(mlock2, "", MAPPINGS, SCRATCH, 4096, 0)                                                   \
    CALL(munlock, "", MAPPINGS, SCRATCH, 4096)                                                     \
    CALL(mlockall, "", ALONE, 1)                                                                   \
    CALL(remap_file_pages, "", MAPPINGS, SCRATCH, 4096, 0, 0, 0)                                   \
    CALL(pkey_mprotect, "", MAPPINGS, SCRATCH, 4096, 3, -1)                                        \
    CALL(process_madvise, "", MAPPINGS, FX_PIDFD, IOV, 1, 20, 0)                                   \
    CALL(rt_sigaction, "", 0, 10, G, G, 8)                                                         \
    CALL(rt_sigprocmask, "", 0, 0, G, G, 8)                                                        \
    CALL(rt_sigpending, "", 0, G, 8)                                                               \
    CALL(rt_sigtimedwait, "", 0, G, G, G, 8)                                                       \
    CALL(rt_sigsuspend, "", ALONE, G, 8)                                                           \
    CALL(sendfile, "", 0, FX_PIPE_W, FX_FILE, G, 16)                                               \
    CALL(connect, "", 0, FX_DGRAM, G, 7)                                                           \
    CALL(accept, "", 0, FX_LISTEN, G, G)                                                           \
    CALL(accept4, "", 0, FX_LISTEN, G, G, 0)                                                       \
    CALL(sendto, "connected", 0, FX_STREAM, G, 16, 0, 0, 0)                                        \
    CALL(sendto, "named", 0, FX_DGRAM, G, 16, 0, G, 7)                                             \
    CALL(recvfrom, "", 0, FX_STREAM, G, 16, 0x40, G, G)                                            \
    CALL(sendmsg, "", 0, FX_STREAM, G, 0)                                                          \
    CALL(recvmsg, "", 0, FX_STREAM, G, 0x40)                                                       \
    CALL(sendmmsg, "", 0, FX_STREAM, G, 1, 0)                                                      \
    CALL(recvmmsg, "", 0, FX_STREAM, G, 1, 0x40, G)                                                \
    CALL(shutdown, "", 0, FX_STREAM, 0)                                                            \
    CALL(bind, "", 0, FX_DGRAM, G, 7)                                                              \
    CALL(listen, "", 0, FX_LISTEN, 1)                                                              \
    CALL(getsockname, "", 0, FX_LISTEN, G, G)                                                      \
    CALL(getpeername, "", 0, FX_STREAM, G, G)                                                      \
    CALL(socket, "", 0, 1, 1, 0)                                                                   \
    CALL(socketpair, "", 0, 1, 1, 0, G)                                                            \
    CALL(setsockopt, "SO_REUSEADDR", 0, FX_STREAM, 1, 2, G, 4)                                     \
    CALL(setsockopt, "SO_LINGER", 0, FX_STREAM, 1, 13, G, 8)                                       \
    CALL(setsockopt, "SO_RCVTIMEO", 0, FX_STREAM, 1, 20, G, 16)                                    \
    CALL(getsockopt, "SO_TYPE", 0, FX_STREAM, 1, 3, G, G)                                          \
    CALL(getsockopt, "SO_PEERCRED", 0, FX_STREAM, 1, 17, G, G)                                     \
    CALL(getsockopt, "SO_LINGER", 0, FX_STREAM, 1, 13, G, G)                                       \
    CALL(clone, "", ALONE, 0x10000, 0, 0, 0, 0)                                                    \
    CALL(clone3, "", ALONE, G, 88)                                                                 \
    CALL(execve, "", ALONE, STR("exe"), G, G)                                                      \
    CALL(execveat, "", ALONE, -100, STR("exe"), G, G, 0)                                           \
    CALL(wait4, "", 0, -1, G, 1, G)                                                                \
    CALL(waitid, "", 0, 0, 0, G, 5, G)                                                             \
    CALL(setns, "", 0, FX_FILE, 0)                                                                 \
    CALL(flock, "", 0, FX_FILE, 8)                                                                 \
    CALL(getdents, "", 0, FX_DIR, G, 512)                                                          \
    CALL(getdents64, "", 0, FX_DIR, G, 512)                                                        \
    CALL(getcwd, "", 0, G, 2048)                                                                   \
    CALL(fchdir, "", 0, FX_DIR)                                                                    \
    CALL(unlink, "", 0, STR("none"))                                                               \
    CALL(unlinkat, "", 0, -100, STR("none"), 0)                                                    \
    CALL(readlink, "", 0, STR("l"), G, 16)                                                         \
    CALL(readlinkat, "", 0, -100, STR("l"), G, 16)                                                 \
    CALL(getgroups, "", 0, 16, G)                                                                  \
    CALL(setgroups, "", 0, 1, G)                                                                   \
    CALL(ptrace, "", ALONE, 3, 0x3ffffff0, 0, 0)                                                   \
    CALL(getrlimit, "", 0, 4, G)                                                                   \
    CALL(setrlimit, "", 0, 4, G)                                                                   \
    CALL(prlimit64, "", 0, 0, 4, G, G)                                                             \
    CALL(settimeofday, "", ALONE, 0, 0)                                                            \
    CALL(clock_settime, "", ALONE, 1, G)                                                           \
    CALL(mount, "", 0, STR("none"), STR("none"), STR("tmpfs"), 0, 0)                               \
    CALL(umount2, "", 0, STR("none"), 0)                                                           \
    CALL(pivot_root, "", 0, STR("none"), STR("none"))                                              \
    CALL(sethostname, "", 0, G, 100)                                                               \
    CALL(setdomainname, "", 0, G, 100)                                                             \
    CALL(arch_prctl, "", 0, 0x1003, G)                                                             \
    CALL(seccomp, "", ALONE, 2, 0, G)                                                              \
    CALL(syslog, "", 0, 10, 0, 0)                                                                  \
    CALL(setxattr, "", 0, STR("f"), STR("user.a"), G, 16, 0)                                       \
    CALL(lsetxattr, "", 0, STR("f"), STR("user.a"), G, 16, 0)                                      \
    CALL(fsetxattr, "", 0, FX_FILE, STR("user.a"), G, 16, 0)                                       \
    CALL(getxattr, "", 0, STR("f"), STR("user.x"), G, 16)                                          \
    CALL(lgetxattr, "", 0, STR("f"), STR("user.x"), G, 16)                                         \
    CALL(fgetxattr, "", 0, FX_FILE, STR("user.x"), G, 16)                                          \
    CALL(removexattr, "", 0, STR("f"), STR("user.none"))                                           \
    CALL(lremovexattr, "", 0, STR("f"), STR("user.none"))                                          \
    CALL(fremovexattr, "", 0, FX_FILE, STR("user.none"))                                           \
    CALL(sched_getaffinity, "", 0, 0, 128, G)                                                      \
    CALL(sched_setaffinity, "", 0, 0, 8, G)                                                        \
    CALL(epoll_create, "", 0, 1)                                                                   \
    CALL(epoll_wait, "", 0, FX_EPOLL, G, 1, 0)                                                     \
    CALL(epoll_pwait, "", 0, FX_EPOLL, G, 1, 0, G, 8)                                              \
    CALL(epoll_pwait2, "", 0, FX_EPOLL, G, 1, G, G, 8)                                             \
    CALL(epoll_ctl, "add", 0, FX_EPOLL, 1, FX_PIPE_R, G)                                           \
    CALL(epoll_ctl, "del", 0, FX_EPOLL, 2, FX_PIPE2_R, G)                                          \
    CALL(epoll_ctl, "mod", 0, FX_EPOLL, 3, FX_EVENTFD, G)                                          \
    CALL(timer_create, "", 0, 1, G, G)                                                             \
    CALL(clock_nanosleep, "", 0, 1, 0, G, G)                                                       \
    CALL(ioprio_set, "", 0, 1, 0, 0x4004)                                                          \
    CALL(ioprio_get, "", 0, 1, 0)                                                                  \
    CALL(inotify_add_watch, "", 0, FX_INOTIFY, STR("f"), 2)                                        \
    CALL(inotify_rm_watch, "", 0, FX_INOTIFY, 1)                                                   \
    CALL(ppoll, "", 0, G, 1, G, G, 8)                                                              \
    CALL(pselect6, "", 0, 8, G, G, G, G, G)                                                        \
    CALL(splice, "", 0, FX_FILE, G, FX_PIPE_W, 0, 16, 2)                                           \
    CALL(splice, "out", 0, FX_PIPE_R, 0, FX_FILE, G, 16, 2)                                        \
    CALL(tee, "", 0, FX_PIPE_R, FX_PIPE2_W, 16, 2)                                                 \
    CALL(vmsplice, "", 0, FX_PIPE_W, IOV, 1, 2)                                                    \
    CALL(signalfd, "", 0, FX_SIGNALFD, G, 8)                                                       \
    CALL(signalfd4, "", 0, FX_SIGNALFD, G, 8, 0)                                                   \
    CALL(timerfd_create, "", 0, 1, 0)                                                              \
    CALL(timerfd_settime, "", 0, FX_TIMERFD, 0, G, G)                                              \
    CALL(timerfd_gettime, "", 0, FX_TIMERFD, G)                                                    \
    CALL(dup2, "", 0, FX_FILE, 100)                                                                \
    CALL(dup3, "", 0, FX_FILE, 100, 0)                                                             \
    CALL(readv, "", 0, FX_FILE, G, 1)                                                              \
    CALL(writev, "", 0, FX_FILE, G, 1)                                                             \
    CALL(preadv, "", 0, FX_FILE, G, 1, 0, 0)                                                       \
    CALL(pwritev, "", 0, FX_FILE, G, 1, 0, 0)                                                      \
    CALL(preadv2, "", 0, FX_FILE, G, 1, 0, 0, 0)                                                   \
    CALL(pwritev2, "", 0, FX_FILE, G, 1, 0, 0, 0)                                                  \
    CALL(process_vm_readv, "", 0, SELF, IOV, 1, IOV, 1, 0)                                         \
    CALL(process_vm_writev, "", 0, SELF, IOV, 1, IOV, 1, 0)                                        \
    CALL(sched_setattr, "", 0, 0, G, 0)                                                            \
    CALL(sched_getattr, "", 0, 0, G, 56, 0)                                                        \
    CALL(memfd_create, "", 0, STR("m"), 0)                                                         \
    CALL(copy_file_range, "", 0, FX_FILE, G, FX_MEMFD, G, 16, 0)                                   \
    CALL(statx, "", 0, -100, STR("f"), 0, 0x7ff, G)                                                \
    CALL(pidfd_send_signal, "", 0, FX_PIDFD, 0, 0, 0)                                              \
    CALL(pidfd_open, "", 0, SELF, 0)                                                               \
    CALL(pidfd_getfd, "", 0, FX_PIDFD, FX_FILE, 0)                                                 \
    CALL(process_mrelease, "", 0, FX_PIDFD, 0)                                                     \
    CALL(close_range, "", 0, 900, 1000, 0)                                                         \
    CALL(openat2, "", 0, -100, STR("f"), G, 24)                                                    \
    CALL(mount_setattr, "", ALONE, -100, STR("none"), 0, G, 32)                                    \
    CALL(get_robust_list, "", 0, 0, G, G)                                                          \
    CALL(set_robust_list, "", 0, G, 24)                                                            \
    CALL(rt_sigqueueinfo, "", 0, SELF, 0, G)                                                       \
    CALL(rt_tgsigqueueinfo, "", 0, SELF, SELF, 0, G)                                               \
    CALL(tkill, "", 0, SELF, 0)                                                                    \
    CALL(tgkill, "", 0, SELF, SELF, 0)                                                             \
    CALL(msgget, "", 0, 0x7ffffff0, 0)                                                             \
    CALL(semget, "", 0, 0x7ffffff0, 1, 0)                                                          \
    CALL(shmget, "", 0, 0x7ffffff0, 4096, 0)                                                       \
    CALL(msgctl, "IPC_STAT", 0, 0x7ffffff0, 2, G)                                                  \
    CALL(semctl, "IPC_STAT", 0, 0x7ffffff0, 0, 2, 0)                                               \
    CALL(shmctl, "IPC_STAT", 0, 0x7ffffff0, 2, G)                                                  \
    CALL(msgsnd, "", 0, 0x7ffffff0, G, 16, 0x800)                                                  \
    CALL(msgrcv, "", 0, 0x7ffffff0, G, 16, 0, 0x800)                                               \
    CALL(rseq, "", 0, G, 32, 0, 0)

/* VARIANT(name, variant, flags, KINDS(...), values...): where one argument says what others are. */
#define VARIANTS(VARIANT)                                                                          \
    VARIANT(fcntl, "F_DUPFD", 0, KINDS(FD, HEX, INT), FX_FILE, 0, 100)                             \
    VARIANT(fcntl, "F_GETFD", 0, KINDS(FD), FX_FILE, 1)                                            \
    VARIANT(fcntl, "F_SETFL", 0, KINDS(FD), FX_FILE, 4, 0x800)                                     \
    VARIANT(fcntl, "F_GETLK", 0, KINDS(FD, HEX, PTR), FX_FILE, 5, G)                               \
    VARIANT(fcntl, "F_SETLK", 0, KINDS(FD, HEX, PTR), FX_FILE, 6, G)                               \
    VARIANT(fcntl, "F_GETOWN", 0, KINDS(FD), FX_FILE, 9)                                           \
    VARIANT(fcntl, "F_SETSIG", 0, KINDS(FD, HEX, INT), FX_FILE, 10, 0)                             \
    VARIANT(fcntl, "F_SETOWN_EX", 0, KINDS(FD, HEX, PTR), FX_FILE, 15, G)                          \
    VARIANT(fcntl, "F_GETOWN_EX", 0, KINDS(FD, HEX, PTR), FX_FILE, 16, G)                          \
    VARIANT(fcntl, "F_OFD_GETLK", 0, KINDS(FD, HEX, PTR), FX_FILE, 36, G)                          \
    VARIANT(fcntl, "F_OFD_SETLK", 0, KINDS(FD, HEX, PTR), FX_FILE, 37, G)                          \
    VARIANT(fcntl, "F_SETLEASE", 0, KINDS(FD, HEX, INT), FX_FILE, 1024, 2)                         \
    VARIANT(fcntl, "F_DUPFD_CLOEXEC", 0, KINDS(FD, HEX, INT), FX_FILE, 1030, 100)                  \
    VARIANT(fcntl, "F_SETPIPE_SZ", 0, KINDS(FD, HEX, INT), FX_PIPE_R, 1031, 4096)                  \
    VARIANT(fcntl, "F_GETPIPE_SZ", 0, KINDS(FD), FX_PIPE_R, 1032)                                  \
    VARIANT(fcntl, "F_ADD_SEALS", 0, KINDS(FD, HEX, FLAGS(seals)), FX_MEMFD, 1033, 0)              \
    VARIANT(fcntl, "F_GET_SEALS", 0, KINDS(FD), FX_MEMFD, 1034)                                    \
    VARIANT(fcntl, "unknown", 0, KINDS(FD), FX_FILE, 9999)                                         \
    VARIANT(ioctl, "FIONREAD", 0, KINDS(FD, HEX, OUT(int)), FX_PIPE_R, 0x541b, G)                  \
    VARIANT(ioctl, "FIONBIO", 0, KINDS(FD, HEX, IN(int)), FX_PIPE_R, 0x5421, G)                    \
    VARIANT(ioctl, "FIOASYNC", 0, KINDS(FD, HEX, IN(int)), FX_PIPE_R, 0x5452, G)                   \
    VARIANT(ioctl, "FIOCLEX", 0, KINDS(FD), FX_FILE, 0x5451)                                       \
    VARIANT(ioctl, "TCGETS", 0, KINDS(FD), FX_FILE, 0x5401, G)                                     \
    VARIANT(ioctl, "TIOCGWINSZ", 0, KINDS(FD), FX_FILE, 0x5413, G)                                 \
    VARIANT(ioctl, "unknown", 0, KINDS(FD), FX_FILE, 0x12345678, G)                                \
    VARIANT(prctl, "PR_SET_PDEATHSIG", 0, KINDS(HEX, INT), 1, 0)                                   \
    VARIANT(prctl, "PR_GET_PDEATHSIG", 0, KINDS(HEX, OUT(int)), 2, G)                              \
    VARIANT(prctl, "PR_SET_DUMPABLE", 0, KINDS(HEX, INT), 4, 1)                                    \
    VARIANT(prctl, "PR_SET_KEEPCAPS", 0, KINDS(HEX, INT), 8, 0)                                    \
    VARIANT(prctl, "PR_SET_NAME", 0, KINDS(HEX, IN_STR), 15, G)                                    \
    VARIANT(prctl, "PR_GET_NAME", 0, KINDS(HEX, OUT(timespec)), 16, G)                             \
    VARIANT(prctl, "PR_CAPBSET_READ", 0, KINDS(HEX, INT), 23, 0)                                   \
    VARIANT(prctl, "PR_GET_CHILD_SUBREAPER", 0, KINDS(HEX, OUT(int)), 37, G)                       \
    VARIANT(prctl, "PR_SET_NO_NEW_PRIVS", ALONE, KINDS(HEX, INT, INT, INT, INT), 38, 1, 0, 0, 0)   \
    VARIANT(prctl, "PR_GET_NO_NEW_PRIVS", 0, KINDS(HEX, INT, INT, INT, INT), 39, 0, 0, 0, 0)       \
    VARIANT(prctl, "PR_CAP_AMBIENT", 0, KINDS(HEX, INT, INT, INT, INT), 47, 1, 0, 0, 0)            \
    VARIANT(prctl, "unknown", 0, KINDS(INT), 9999)                                                 \
    VARIANT(futex, "WAKE", 0, KINDS(PTR, FLAGS(futex), UINT), G, 1, 1)                             \
    VARIANT(futex, "WAIT", 0, KINDS(PTR, HEX, UINT, IN(timespec)), G, 0, 1, G)                     \
    VARIANT(futex, "REQUEUE", 0, KINDS(PTR, HEX, INT, INT, PTR), G, 3, 0, 0, G)                    \
    VARIANT(futex, "CMP_REQUEUE", 0, KINDS(PTR, HEX, INT, INT, PTR, UINT), G, 4, 0, 0, G, 1)       \
    VARIANT(futex, "WAKE_OP", 0, KINDS(PTR, HEX, INT, INT, PTR), G, 5, 1, 1, G, 0)                 \
    VARIANT(futex, "UNLOCK_PI", 0, KINDS(PTR, HEX), G, 7)                                          \
    VARIANT(futex, "WAIT_BITSET", 0, KINDS(PTR, HEX, UINT, IN(timespec), HEX, UINT), G, 9, 1, G,   \
            0, 1)                                                                                  \
    VARIANT(futex, "WAKE_BITSET", 0, KINDS(PTR, HEX, UINT, HEX, HEX, UINT), G, 10, 1, 0, 0, 1)
/* clang-format on */

#endif
