/*
 * Every served call with one argument at a time bad: what makes the cases, runs them, and prints a
 * section of TAP for each call ("# program NAME", see run.c). No assertion fails here: outcomes are
 * part of the lines, and the native run is what the others are compared with.
 *
 * The cases of one call run in one child, which writes outcomes into shared memory. A case that
 * ends the child is an outcome too; the next child goes on behind it. A call that waits is ended by
 * a signal after some seconds ("waits"): there should be none of them, they take time.
 */
#ifndef CONFORMANCE_GENERATED_H
#define CONFORMANCE_GENERATED_H

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "generated/fixture.h"
#include "generated/table.h"
#include "tmp.h"

enum class { POINTERS, DESCRIPTORS, VALUES, FLAG_BITS };

#define CASES_MAX 512
#define CALLS_MAX 640
#define NOT_RUN 100000 /* outcomes besides results of calls */
#define WAITED 100001
#define DIED 100100 /* + signal; 0: it exited */
#define TICK_S 5

struct mutation {
    int arg; /* -1: none, the call as it stands */
    const char *label;
    long value;
};

static struct call calls[CALLS_MAX];
static int ncalls;
static struct mutation cases[CASES_MAX];
static int ncases, turns;
static struct {
    volatile int at;
    volatile long result[CASES_MAX];
} * shared;

/* --- the list of calls --- */
#define SYS(nr, name, handler, flags, ...) {nr, #name, "", 0, {__VA_ARGS__}, {G, G, G, G, G, G}},
#define NOSYS(...)
#define REFUSED(...)
static const struct call served[] = {
#include "../sentry/syscalls.def"
};
#undef SYS
#define CALL(n, var, fl, ...) {SYS_##n, #n, var, fl, {0}, {__VA_ARGS__}},
static const struct call reaching[] = {CALLS(CALL)};
#define KINDS(...)                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define VARIANT(n, var, fl, kinds, ...) {SYS_##n, #n, var, fl, kinds, {__VA_ARGS__}},
static const struct call variants[] = {VARIANTS(VARIANT)};
static const int never[] = {NEVER};

/* An argument whose bad value only makes the call wait, or do what the table's head forbids: the
 * native run is often root's. */
static const struct {
    int nr, arg;
    const char *label;
} excluded[] = {
    {SYS_fchmod, 0, "/dev/null"}, /* the host's */
    {SYS_fchown, 0, "/dev/null"},
    {SYS_poll, 2, "-1"},
    {SYS_poll, 2, "INT_MAX"},
    {SYS_poll, 2, "INT_MIN"},
    {SYS_epoll_wait, 3, "-1"},
    {SYS_epoll_wait, 3, "INT_MAX"},
    {SYS_epoll_wait, 3, "INT_MIN"},
    {SYS_epoll_pwait, 3, "-1"},
    {SYS_epoll_pwait, 3, "INT_MAX"},
    {SYS_epoll_pwait, 3, "INT_MIN"},
    {SYS_select, 4, "NULL"},
    {SYS_pselect6, 4, "NULL"},
    {SYS_ppoll, 2, "NULL"},
    {SYS_rt_sigtimedwait, 2, "NULL"},
    {SYS_sethostname, 1, "0"},
    {SYS_sethostname, 1, "1"},
    {SYS_sethostname, 1, "LONG_MIN"},
    {SYS_setdomainname, 1, "0"},
    {SYS_setdomainname, 1, "1"},
    {SYS_setdomainname, 1, "LONG_MIN"},
    /* What the host has: its processors, its memory keys, its limits of pipes and of tmpfs. */
    {SYS_sched_getaffinity, -1, "as it stands"},
    {SYS_pkey_alloc, -1, "as it stands"},
    {SYS_fcntl, 2, "INT_MAX"},
    {SYS_fcntl, 2, "INT_MIN"},
    {SYS_truncate, 1, "LONG_MAX"},
    {SYS_ftruncate, 1, "LONG_MAX"},
    {SYS_fallocate, 3, "LONG_MAX"},
    /* IPC_CREAT, O_CREAT: objects that outlive the program. */
    {SYS_msgget, 1, "0x200"},
    {SYS_msgget, 1, "0xffffffffffffffff"},
    {SYS_semget, 2, "0x200"},
    {SYS_semget, 2, "0xffffffffffffffff"},
    {SYS_shmget, 2, "0x200"},
    {SYS_shmget, 2, "0xffffffffffffffff"},
    {SYS_mq_open, 1, "0x40"},
    {SYS_mq_open, 1, "0xffffffffffffffff"},
    /* Since 6.9 pidfds are regular files of a file system. */
    {SYS_ftruncate, 0, "a pidfd"},
    {SYS_sync_file_range, 0, "a pidfd"},
    {SYS_fsetxattr, 0, "a pidfd"},
    {SYS_fgetxattr, 0, "a pidfd"},
    {SYS_fremovexattr, 0, "a pidfd"},
    {SYS_copy_file_range, 0, "a pidfd"},
    {SYS_copy_file_range, 2, "a pidfd"},
    {SYS_fcntl, 0, "a pidfd"},
};

static const struct call *row_of(int nr)
{
    for (size_t i = 0; i < sizeof(served) / sizeof(*served); i++)
        if (served[i].nr == nr)
            return &served[i];
    return NULL;
}

static int has_own_rows(int nr)
{
    for (size_t i = 0; i < sizeof(reaching) / sizeof(*reaching); i++)
        if (reaching[i].nr == nr)
            return 1;
    for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
        if (variants[i].nr == nr)
            return 1;
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        if (never[i] == nr)
            return 1;
    return 0;
}

static void list_calls(void)
{
    for (size_t i = 0; i < sizeof(served) / sizeof(*served); i++)
        if (!has_own_rows(served[i].nr))
            calls[ncalls++] = served[i];
    for (size_t i = 0; i < sizeof(reaching) / sizeof(*reaching); i++) {
        const struct call *row = row_of(reaching[i].nr);
        if (!row)
            continue;
        calls[ncalls] = reaching[i];
        memcpy(calls[ncalls++].kind, row->kind, sizeof(row->kind));
    }
    for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
        if (row_of(variants[i].nr))
            calls[ncalls++] = variants[i];
}

/* --- values --- */
static int is_pointer(uint32_t kind)
{
    return argkind_kind(kind) == AK_PTR || argkind_kind(kind) >= AK_IN_STR;
}

static int is_out(uint32_t kind)
{
    switch (argkind_kind(kind)) {
    case AK_PTR:
    case AK_OUT_BUF:
    case AK_OUT_ARRAY:
    case AK_INOUT_ARRAY:
    case AK_OUT:
    case AK_INOUT:
    case AK_OUT_SOCKADDR:
        return 1;
    default:
        return 0;
    }
}

static long good_value(const struct call *c, int arg)
{
    long v = c->value[arg];

    if (v == SELF)
        return getpid();
    if (v == IOV)
        return GOOD(arg);
    if (v != G)
        return v;
    if (is_pointer(c->kind[arg]))
        return GOOD(arg);
    switch (argkind_kind(c->kind[arg])) {
    case AK_FD:
        return FX_FILE;
    case AK_DIRFD:
        return AT_FDCWD;
    case AK_SIZE:
        return 16;
    case AK_UID:
        return -1;
    case AK_MODE:
        return 0644;
    default:
        return 0;
    }
}

static void put(char *page, size_t offset, const void *value, size_t len)
{
    memcpy(page + offset, value, len);
}

/* What a good pointer to this kind leads to. */
static void fill(const struct call *c, int arg)
{
    char *p = (char *)GOOD(arg);
    uint32_t kind = c->kind[arg], one = 1;
    struct iovec iov = {p + 1024, 16};
    uint64_t flags = 0x10000; /* CLONE_THREAD alone, which is wrong */

    memset(p, 0, ARG_SIZE);
    if (c->value[arg] == IOV)
        put(p, 0, &iov, sizeof(iov));
    switch (argkind_kind(kind)) {
    case AK_IN_STR:
        strcpy(p, "f");
        break;
    case AK_IN_BUF:
        memset(p, 1, ARG_SIZE);
        break;
    case AK_IN_SOCKADDR:
        put(p, 0, &(struct sockaddr_un){AF_UNIX, "none"}, 7);
        break;
    case AK_IN_IOV:
    case AK_OUT_IOV:
        put(p, 0, &iov, sizeof(iov));
        break;
    case AK_IN_MSGHDR:
    case AK_OUT_MSGHDR:
        put(p, 512, &iov, sizeof(iov));
        put(p, 0, &(struct msghdr){.msg_iov = (void *)(p + 512), .msg_iovlen = 1},
            sizeof(struct msghdr));
        break;
    case AK_PTR:
        if (c->nr == SYS_sched_setattr)
            put(p, 0, &(uint32_t){48}, 4);
        if (c->nr == SYS_name_to_handle_at)
            put(p, 0, &(uint32_t){64}, 4);
        break;
    case AK_IN:
    case AK_INOUT:
        if (argkind_p1(kind) == AT_socklen)
            put(p, 0, &(uint32_t){110}, 4);
        if (argkind_p1(kind) == AT_sigevent)
            put(p, 12, &one, 4);
        if (argkind_p1(kind) == AT_capheader)
            put(p, 0, &(uint32_t){0x20080522}, 4);
        if (argkind_p1(kind) == AT_clone_args)
            put(p, 0, &flags, 8);
        break;
    default:
        break;
    }
}

/* --- bad values: the cases of one call --- */
static void add(const struct call *c, int arg, const char *label, long value)
{
    for (size_t i = 0; i < sizeof(excluded) / sizeof(*excluded); i++)
        if (excluded[i].nr == c->nr && excluded[i].arg == arg && !strcmp(excluded[i].label, label))
            return;
    if (ncases == CASES_MAX)
        abort();
    cases[ncases++] = (struct mutation){arg, label, value};
}

static void bad_pointers(const struct call *c, int arg)
{
    add(c, arg, "NULL", 0);
    add(c, arg, "unmapped", UNMAPPED(arg));
    add(c, arg, "in the kernel", (long)0xffffffff81000000);
    add(c, arg, "not canonical", (long)0x8000000000000000);
    add(c, arg, "the last page", 0x7ffffffff000);
    add(c, arg, "not accessible", NOT_ACCESSIBLE(arg));
    add(c, arg, "over the end", CROSSING(arg));
    if (is_out(c->kind[arg]))
        add(c, arg, "read-only", READ_ONLY(arg));
    if (argkind_kind(c->kind[arg]) == AK_IN_STR) {
        add(c, arg, "empty", (long)"");
        add(c, arg, "a long name", (long)long_name);
        add(c, arg, "4095 bytes", (long)longest_path);
        add(c, arg, "4096 bytes", (long)too_long_path);
    }
}

static void bad_values(const struct call *c, int arg)
{
    switch (argkind_kind(c->kind[arg])) {
    case AK_SIZE:
    case AK_OFF:
    case AK_LONG:
        add(c, arg, "0", 0);
        add(c, arg, "1", 1);
        add(c, arg, "1 GiB", 1L << 30);
        add(c, arg, "2^31", 1L << 31);
        add(c, arg, "LONG_MAX", LONG_MAX);
        add(c, arg, "-1", -1);
        add(c, arg, "LONG_MIN", LONG_MIN);
        break;
    case AK_INT:
    case AK_UINT:
        add(c, arg, "INT_MAX", INT_MAX);
        add(c, arg, "INT_MIN", INT_MIN);
        add(c, arg, "-1", -1);
        break;
    case AK_ENUM:
        add(c, arg, "INT_MAX", INT_MAX);
        add(c, arg, "-1", -1);
        break;
    case AK_SIG:
        add(c, arg, "65", 65);
        add(c, arg, "-1", -1);
        break;
    case AK_PID:
        add(c, arg, "nobody", 0x3ffffff0);
        add(c, arg, "INT_MIN", INT_MIN);
        break;
    case AK_MODE:
        add(c, arg, "all bits", 0xffffffff);
        break;
    default:
        break;
    }
}

static void make_cases(const struct call *c, enum class class)
{
    ncases = 0;
    if (class == VALUES && !(c->flags & ALONE))
        add(c, -1, "as it stands", 0);
    for (int i = 0; i < 6; i++) {
        uint32_t kind = argkind_kind(c->kind[i]);
        if (class == POINTERS && is_pointer(c->kind[i]))
            bad_pointers(c, i);
        if (class == DESCRIPTORS && (kind == AK_FD || kind == AK_DIRFD))
            for (size_t k = 0; k < NR_DESCRIPTORS; k++)
                add(c, i, descriptors[k].label, descriptors[k].fd);
        if (class == VALUES)
            bad_values(c, i);
        if (class == FLAG_BITS && kind == AK_FLAGS)
            for (int k = 0; k < NR_BITS; k++)
                add(c, i, bit_labels[k], k < 32 ? (long)(1U << k) : k == 32 ? 1L << 40 : -1);
    }
}

/* --- running them --- */
static void on_tick(int sig)
{
    (void)sig;
}

static void run_cases(const struct call *c, int from)
{
    struct sigaction sa = {.sa_handler = on_tick};
    struct itimerval tick = {{TICK_S, 0}, {TICK_S, 0}};

    fixture_make(c->nr, turns);
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
    for (int k = from; k < ncases; k++) {
        long v[6];

        for (int i = 0; i < 6; i++) {
            if (is_pointer(c->kind[i]) || c->value[i] == IOV)
                fill(c, i);
            v[i] = i == cases[k].arg ? cases[k].value : good_value(c, i);
        }
        for (int i = 0; i < 6; i++)
            if (v[i] == CROSSING(i))
                memcpy((void *)v[i], (void *)GOOD(i), 2);
        if (cases[k].arg >= 0 && argkind_kind(c->kind[cases[k].arg]) == AK_FLAGS &&
            cases[k].value != -1)
            v[cases[k].arg] |= good_value(c, cases[k].arg);
        if (c->flags & MAPPINGS)
            (void)mmap((void *)SCRATCH, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        shared->at = k;
        errno = 0;
        long r = syscall(c->nr, v[0], v[1], v[2], v[3], v[4], v[5]);
        shared->result[k] = r == -1 && errno == EINTR ? WAITED : r == -1 && errno ? -errno : r;
        if (shared->result[k] >= NOT_RUN && shared->result[k] != WAITED)
            shared->result[k] = NOT_RUN - 1;
    }
    shared->at = ncases;
    _exit(0);
}

/* Ends a child that has come no further since the last tick but one. */
static void await(pid_t pid, int *status)
{
    int seen = -1, ticks = 0;

    while (waitpid(pid, status, 0) < 0) {
        if (errno != EINTR)
            bail("waitpid");
        ticks = shared->at == seen ? ticks + 1 : 0;
        seen = shared->at;
        if (ticks == 3)
            kill(pid, SIGKILL);
    }
}

static void run_all_cases(const struct call *c)
{
    int from = 0, status = 0;

    for (int k = 0; k < ncases; k++)
        shared->result[k] = NOT_RUN;
    while (from < ncases) {
        shared->at = from;
        turns++;
        pid_t pid = (pid_t)must(fork());
        if (pid == 0)
            run_cases(c, from);
        await(pid, &status);
        if (shared->at >= ncases)
            break;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            bail("fixture");
        shared->result[shared->at] = DIED + (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        from = shared->at + 1;
    }
}

static int tells_length(const struct call *c)
{
    for (int i = 0; i < 6; i++)
        switch (argkind_kind(c->kind[i])) {
        case AK_IN_BUF:
        case AK_OUT_BUF:
        case AK_IN_IOV:
        case AK_OUT_IOV:
            return 1;
        default:
            break;
        }
    return 0;
}

static void print_case(const struct call *c, const struct mutation *m, long result)
{
    char text[64];

    if (result >= DIED)
        snprintf(text, sizeof(text), "ends the process (%s)",
                 result == DIED ? "exit" : sigabbrev_np((int)(result - DIED)));
    else if (result == WAITED)
        snprintf(text, sizeof(text), "waits");
    else if (result < 0)
        snprintf(text, sizeof(text), "%s", strerrorname_np((int)-result) ?: "an unknown error");
    else if (tells_length(c))
        snprintf(text, sizeof(text), "%ld", result);
    else
        snprintf(text, sizeof(text), "succeeds");
    if (m->arg < 0)
        ok(1, "%s: %s", m->label, text);
    else
        ok(1, "argument %d %s: %s", m->arg + 1, m->label, text);
}

static int generated_main(enum class class)
{
    fixture_start();
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        bail("mmap");
    signal(SIGALRM, SIG_DFL);
    struct sigaction sa = {.sa_handler = on_tick};
    struct itimerval tick = {{TICK_S, 0}, {TICK_S, 0}};
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
    const char *only = getenv("ONLY");
    list_calls();
    for (int i = 0; i < ncalls; i++) {
        make_cases(&calls[i], class);
        if (!ncases || (only && strcmp(only, calls[i].name)))
            continue;
        run_all_cases(&calls[i]);
        printf("# program %s%s%s\n", calls[i].name, *calls[i].variant ? "-" : "", calls[i].variant);
        tap_count = 0;
        for (int k = 0; k < ncases; k++)
            print_case(&calls[i], &cases[k], shared->result[k]);
        printf("1..%d\n", tap_count);
    }
    printf("# end\n");
    return 0;
}

#endif
