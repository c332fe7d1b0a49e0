/* What each position tries: all calls that its list has not, other arguments of those it has. */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/macros.h"
#include "base/nr.h"
#include "base/sanitize.h"
#include "platform/trap/layout.h"
#include "runsc-cli/selftest/selftest.h"
#include "sentry/ckpt/pagemap_scan.h"
#include "sentry/kernel/syscall.h"

#define NUMBERS 1024 /* twice as many as Linux has */
#define INT80_NUMBERS 512
#define X32_NUMBERS 600
#define X32_BIT 0x40000000L
#define NR_URETPROBE 335
#define NR_UPROBE 336
#define ALL (~0UL) /* as an argument: to most calls an error, whatever it stands for */

const char *const position_names[POSITIONS] = {"sentry", "gofer", "guest", "stub"};

#define HOSTCALL(name, ...) SYS_##name,
#define HOSTCALL_NOSYS HOSTCALL
#define HOSTCALL_FDS HOSTCALL
static const long sentry_calls[] = {
#include "sentry/hostcalls.def"
#if NV_ASAN
#include "base/sanitize.def"
#endif
};
static const long gofer_calls[] = {
#include "gofer/hostcalls.def"
#if NV_ASAN
#include "base/sanitize.def"
#endif
};
static const long stub_calls[] = {
#include "platform/trap/hostcalls.def"
};
static const long loose_calls[] = {/* with any argument in this build */
#if NV_ASAN
#include "base/sanitize.def"
#endif
                                   -1};
#undef HOSTCALL
#undef HOSTCALL_NOSYS
#define HOSTCALL(name, ...)
#define HOSTCALL_NOSYS(name, ...) SYS_##name,
static const long nosys_calls[] = {
#include "sentry/hostcalls.def"
#include "gofer/hostcalls.def"
    -1};
#undef HOSTCALL
#undef HOSTCALL_NOSYS
#undef HOSTCALL_FDS

static bool has(const long *list, size_t n, long nr)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == nr)
            return true;
    return false;
}

bool position_may(enum position p, long nr)
{
    switch (p) {
    case POS_SENTRY:
        return has(sentry_calls, ARRAY_SIZE(sentry_calls), nr);
    case POS_GOFER:
        return has(gofer_calls, ARRAY_SIZE(gofer_calls), nr);
    case POS_STUB:
        return has(stub_calls, ARRAY_SIZE(stub_calls), nr);
    default:
        return false;
    }
}

static const struct attempt sentry_args[] = {
    {.nr = SYS_clone, .args = {17}, .what = "a process"},
    {.nr = SYS_clone, .args = {CLONE_VM | CLONE_VFORK | 17}, .what = "CLONE_VFORK"},
    {.nr = SYS_clone, .args = {CLONE_NEWUSER | 17}, .what = "CLONE_NEWUSER"},
    {.nr = SYS_clone, .args = {CLONE_NEWPID | 17}, .what = "CLONE_NEWPID"},
    {.nr = SYS_clone, .args = {CLONE_NEWNS | 17}, .what = "CLONE_NEWNS"},
    {.nr = SYS_clone,
     .args = {CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET},
     .what = "a thread with CLONE_NEWNET"},
    {.nr = SYS_mmap,
     .args = {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ALL},
     .what = "PROT_EXEC"},
    {.nr = SYS_mmap, .args = {0, 4096, 7, MAP_SHARED | MAP_ANONYMOUS, ALL}, .what = "PROT_EXEC"},
    {.nr = SYS_mprotect, .args = {0x1000, 4096, PROT_EXEC}, .what = "PROT_EXEC"},
    {.nr = SYS_socketpair, .args = {AF_INET, SOCK_STREAM}, .what = "AF_INET"},
    {.nr = SYS_socketpair, .args = {AF_NETLINK, SOCK_RAW}, .what = "AF_NETLINK"},
    {.nr = SYS_socketpair, .args = {AF_PACKET, SOCK_RAW}, .what = "AF_PACKET"},
    {.nr = SYS_socketpair, .args = {AF_VSOCK, SOCK_STREAM}, .what = "AF_VSOCK"},
};

static const struct attempt gofer_args[] = {
    {.nr = SYS_mmap,
     .args = {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ALL},
     .what = "PROT_EXEC"},
    {.nr = SYS_mmap, .args = {0, 4096, 7, MAP_SHARED | MAP_ANONYMOUS, ALL}, .what = "PROT_EXEC"},
};

#define HIGH (1UL << 32) /* the kernel does not look there */
static const struct attempt stub_args[] = {
    {.nr = SYS_write, .args = {0}, .what = "descriptor 0"},
    {.nr = SYS_write, .args = {1}, .what = "descriptor 1"},
    {.nr = SYS_write, .args = {2}, .what = "descriptor 2"},
    {.nr = SYS_write, .args = {STUB_FD_CTL}, .what = "the control socket"},
    {.nr = SYS_write, .args = {9}, .what = "descriptor 9"},
    {.nr = SYS_sendto, .args = {STUB_FD_DOORBELL}, .what = "the doorbell"},
    {.nr = SYS_sendto, .args = {9}, .what = "descriptor 9"},
    {.nr = SYS_recvmsg, .args = {9}, .what = "descriptor 9"},
    {.nr = SYS_dup3, .args = {STUB_FD_CTL, STUB_FD_DOORBELL}, .what = "over the doorbell"},
    {.nr = SYS_dup3, .args = {STUB_FD_CTL, 9}, .what = "to descriptor 9"},
    {.nr = SYS_close, .args = {STUB_FD_DOORBELL}, .what = "the doorbell"},
    {.nr = SYS_close, .args = {STUB_FD_CTL}, .what = "the control socket"},
    {.nr = SYS_close, .args = {HIGH | STUB_FD_DOORBELL}, .what = "the doorbell, upper half set"},
    {.nr = SYS_close, .args = {HIGH | STUB_FD_CTL}, .what = "the control socket, upper half set"},
    {.nr = SYS_clone, .args = {17}, .what = "a child of its own"},
    {.nr = SYS_clone, .args = {CLONE_VM | CLONE_VFORK | 17}, .what = "CLONE_VFORK"},
    {.nr = SYS_clone, .args = {CLONE_PARENT | CLONE_NEWUSER | 17}, .what = "CLONE_NEWUSER"},
    {.nr = SYS_clone, .args = {CLONE_PARENT | CLONE_NEWNS | 17}, .what = "CLONE_NEWNS"},
    {.nr = SYS_clone, .args = {CLONE_PARENT | CLONE_NEWPID | 17}, .what = "CLONE_NEWPID"},
    {.nr = SYS_clone, .args = {CLONE_PARENT | CLONE_PTRACE | 17}, .what = "CLONE_PTRACE"},
    {.nr = SYS_clone, .args = {CLONE_PARENT | CLONE_UNTRACED | 17}, .what = "CLONE_UNTRACED"},
    {.nr = SYS_clone, .args = {CLONE_PARENT | 9}, .what = "another signal at the end"},
    {.nr = SYS_clock_gettime, .args = {CLOCK_REALTIME}, .what = "CLOCK_REALTIME"},
    {.nr = SYS_clock_gettime, .args = {CLOCK_PROCESS_CPUTIME_ID}, .what = "another clock"},
    {.nr = SYS_clock_gettime, .args = {(unsigned long)-6}, .what = "the clock of another process"},
};

static const struct {
    const struct attempt *list;
    size_t n;
} others[POSITIONS] = {
    [POS_SENTRY] = {sentry_args, ARRAY_SIZE(sentry_args)},
    [POS_GOFER] = {gofer_args, ARRAY_SIZE(gofer_args)},
    [POS_STUB] = {stub_args, ARRAY_SIZE(stub_args)},
};

static bool may_ioctl(unsigned long request)
{
    return request == FIONREAD || request == NV_PAGEMAP_SCAN || request == TIOCGWINSZ;
}

/* Requests of terminals, block devices, files, sockets, KVM, userfaultfd. */
static void each_ioctl(void (*fn)(const struct attempt *a, void *arg), void *arg)
{
    static const struct {
        unsigned long from, to;
    } ranges[] = {{0x5400, 0x5480}, {0x1200, 0x1290}, {0x8900, 0x89f8},
                  {0xae00, 0xae10}, {0xaa00, 0xaa02}, {0, 4}};

    for (size_t r = 0; r < ARRAY_SIZE(ranges); r++)
        for (unsigned long i = ranges[r].from; i < ranges[r].to; i++)
            if (!may_ioctl(i))
                fn(&(struct attempt){.nr = SYS_ioctl, .args = {ALL, i, ALL}, .what = "request"},
                   arg);
}

static void one(long nr, enum way way, void (*fn)(const struct attempt *a, void *arg), void *arg)
{
    struct attempt a = {.way = way, .nr = nr, .args = {ALL, ALL, ALL, ALL, ALL, ALL}};

    if (way == WAY_SYSCALL && has(nosys_calls, ARRAY_SIZE(nosys_calls), nr))
        a.answer = -ENOSYS;
    fn(&a, arg);
}

static void each_number(enum position p, void (*fn)(const struct attempt *a, void *arg), void *arg)
{
    static const long odd[] = {0x3fffffff, 0x7fffffff, 0x80000000, 0xffffffff};

    for (long nr = 0; nr < NUMBERS; nr++)
        if (!position_may(p, nr) || has(nosys_calls, ARRAY_SIZE(nosys_calls), nr))
            one(nr, WAY_SYSCALL, fn, arg);
    for (long nr = 0; nr < X32_NUMBERS; nr++)
        one(nr | X32_BIT, WAY_SYSCALL, fn, arg);
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
        one(odd[i], WAY_SYSCALL, fn, arg);
}

void attempts_each(enum position p, void (*fn)(const struct attempt *a, void *arg), void *arg)
{
    if (selftest_round.only_cage)
        return;
    if (selftest_round.only_hole) {
        one(selftest_round.hole, WAY_SYSCALL, fn, arg);
        return;
    }
    each_number(p, fn, arg);
    for (long nr = 0; p != POS_STUB && !selftest_round.no_int80 && nr < INT80_NUMBERS; nr++)
        one(nr, WAY_INT80, fn, arg);
    if (p != POS_STUB) /* i386's exit: the one call that shows in a process gone astray */
        fn(&(struct attempt){.way = WAY_SYSENTER, .nr = 1, .args = {77}}, arg);
    for (size_t i = 0; i < others[p].n; i++)
        if (!has(loose_calls, ARRAY_SIZE(loose_calls), others[p].list[i].nr))
            fn(&others[p].list[i], arg);
    if (p == POS_SENTRY)
        each_ioctl(fn, arg);
}

bool attempt_is_exempt(const struct attempt *a, int signal, long answer)
{
    return a->way == WAY_SYSCALL && ((a->nr == NR_URETPROBE && signal == SIGILL) ||
                                     (a->nr == NR_UPROBE && !signal && answer == -ENXIO));
}

const char *attempt_name(const struct attempt *a, char *buf, size_t size)
{
    static const char *const ways[] = {"", " by int 0x80", " by sysenter"};
    const struct syscall_row *row =
        a->way == WAY_SYSCALL ? syscall_row(a->nr & ~X32_BIT) : NULL; /* i386 has other numbers */
    char name[32];

    if (row && row->name)
        snprintf(name, sizeof(name), "%s", row->name);
    else
        snprintf(name, sizeof(name), "call %ld", a->nr & ~X32_BIT);
    snprintf(buf, size, "%s%s%s", name, a->nr & X32_BIT ? " (x32)" : "", ways[a->way]);
    if (a->what && !strcmp(a->what, "request"))
        snprintf(buf, size, "%s: request %#lx", name, a->args[1]);
    else if (a->what)
        snprintf(buf, size, "%s: %s", name, a->what);
    return buf;
}
