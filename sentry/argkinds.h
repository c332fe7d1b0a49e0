/*
 * Argument kinds of sentry/syscalls.def, one u32 each: kind | p1 << 8 | p2 << 16. The stub copies
 * buffers by them, strace prints by them, the fuzzer draws by them. In rows:
 *
 *   INT UINT LONG SIZE HEX PTR FD DIRFD PID UID SIG MODE OFF      plain values
 *   FLAGS(set) ENUM(set)                                         named bits / values (strace)
 *   IN_STR                                                       NUL-terminated, at most a page
 *   IN_BUF(k) OUT_BUF(k)                                         length in argument k
 *   IN_ARRAY(k, size) OUT_ARRAY(k, size) INOUT_ARRAY(k, size)    count in argument k
 *   IN(type) OUT(type) INOUT(type)                               one fixed-size structure T_<type>
 *   IN_IOV(k) OUT_IOV(k)                                         iovec array, count in argument k
 *   IN_SOCKADDR(k) OUT_SOCKADDR(k)                               length in / length pointer in k
 *   IN_MSGHDR OUT_MSGHDR                                         msghdr and what hangs on it
 */
#ifndef NV_SENTRY_ARGKINDS_H
#define NV_SENTRY_ARGKINDS_H

/* Tables. */
/* clang-format off */
enum arg_kind {
    AK_NONE,
    AK_INT,
    AK_UINT,
    AK_LONG,
    AK_SIZE,
    AK_HEX,
    AK_PTR,
    AK_FD,
    AK_DIRFD,
    AK_PID,
    AK_UID,
    AK_SIG,
    AK_MODE,
    AK_OFF,
    AK_FLAGS,
    AK_ENUM,
    AK_IN_STR,
    AK_IN_BUF,
    AK_OUT_BUF,
    AK_IN_ARRAY,
    AK_OUT_ARRAY,
    AK_INOUT_ARRAY,
    AK_IN,
    AK_OUT,
    AK_INOUT,
    AK_IN_IOV,
    AK_OUT_IOV,
    AK_IN_SOCKADDR,
    AK_OUT_SOCKADDR,
    AK_IN_MSGHDR,
    AK_OUT_MSGHDR,
};

#define ARGKIND(k, p1, p2) ((unsigned int)(k) | (unsigned int)(p1) << 8 | (unsigned int)(p2) << 16)
#define argkind_kind(a) ((a)&0xff)
#define argkind_p1(a) ((a) >> 8 & 0xff)
#define argkind_p2(a) ((a) >> 16)

/* Structures of a fixed size: TYPE(name, bytes). */
#define ARG_TYPES(TYPE)                                                                            \
    TYPE(int, 4)                                                                                   \
    TYPE(u64, 8)                                                                                   \
    TYPE(int2, 8)                                                                                  \
    TYPE(timespec, 16) TYPE(timeval, 16) TYPE(timezone, 8) TYPE(itimerval, 32)                     \
        TYPE(itimerspec, 32) TYPE(stat, 144) TYPE(statfs, 120) TYPE(statx, 256)                    \
            TYPE(sigaction, 32) TYPE(sigset, 8) TYPE(siginfo, 128) TYPE(stack, 24)                 \
                TYPE(rlimit, 16) TYPE(rusage, 144) TYPE(utsname, 390) TYPE(sysinfo, 112)           \
                    TYPE(tms, 32) TYPE(epoll_event, 12) TYPE(sigevent, 64) TYPE(fdset, 128)        \
                        TYPE(sched_param, 4) TYPE(timespec2, 32) TYPE(timeval2, 32)                \
                            TYPE(utimbuf, 16) TYPE(off, 8) TYPE(socklen, 4) TYPE(open_how, 24)     \
                                TYPE(clone_args, 88) TYPE(capheader, 8) TYPE(capdata, 24)          \
                                    TYPE(sigmask_arg, 16) TYPE(timex, 208) TYPE(msghdr, 56)
/* clang-format on */

enum arg_type {
    AT_none_,
#define TYPE(name, bytes) AT_##name,
    ARG_TYPES(TYPE)
#undef TYPE
};

#define INT ARGKIND(AK_INT, 0, 0)
#define UINT ARGKIND(AK_UINT, 0, 0)
#define LONG ARGKIND(AK_LONG, 0, 0)
#define SIZE ARGKIND(AK_SIZE, 0, 0)
#define HEX ARGKIND(AK_HEX, 0, 0)
#define PTR ARGKIND(AK_PTR, 0, 0)
#define FD ARGKIND(AK_FD, 0, 0)
#define DIRFD ARGKIND(AK_DIRFD, 0, 0)
#define PID ARGKIND(AK_PID, 0, 0)
#define UID ARGKIND(AK_UID, 0, 0)
#define SIG ARGKIND(AK_SIG, 0, 0)
#define MODE ARGKIND(AK_MODE, 0, 0)
#define OFF ARGKIND(AK_OFF, 0, 0)
#define IN_STR ARGKIND(AK_IN_STR, 0, 0)
#define IN_BUF(k) ARGKIND(AK_IN_BUF, k, 0)
#define OUT_BUF(k) ARGKIND(AK_OUT_BUF, k, 0)
#define IN_ARRAY(k, size) ARGKIND(AK_IN_ARRAY, k, size)
#define OUT_ARRAY(k, size) ARGKIND(AK_OUT_ARRAY, k, size)
#define INOUT_ARRAY(k, size) ARGKIND(AK_INOUT_ARRAY, k, size)
#define IN(type) ARGKIND(AK_IN, AT_##type, 0)
#define OUT(type) ARGKIND(AK_OUT, AT_##type, 0)
#define INOUT(type) ARGKIND(AK_INOUT, AT_##type, 0)
#define IN_IOV(k) ARGKIND(AK_IN_IOV, k, 0)
#define OUT_IOV(k) ARGKIND(AK_OUT_IOV, k, 0)
#define IN_SOCKADDR(k) ARGKIND(AK_IN_SOCKADDR, k, 0)
#define OUT_SOCKADDR(k) ARGKIND(AK_OUT_SOCKADDR, k, 0)
#define IN_MSGHDR ARGKIND(AK_IN_MSGHDR, 0, 0)
#define OUT_MSGHDR ARGKIND(AK_OUT_MSGHDR, 0, 0)
/* Flag and enum sets are named only where strace prints: sentry/strace/. */
#ifndef FLAGS
#define FLAGS(set) ARGKIND(AK_FLAGS, 0, 0)
#define ENUM(set) ARGKIND(AK_ENUM, 0, 0)
#endif

#endif
