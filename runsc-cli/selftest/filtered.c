/*
 * Sentry and gofer: at the point where each would install its filter, which kills whoever does what
 * it forbids, one child for each attempt installs it and tries.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/filter.h"
#include "base/macros.h"
#include "runsc-cli/selftest/selftest.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"

#define INSNS_MAX 4096 /* what Linux takes */
#define STUCK_S 2
#define SYSENTER_PASSED 77

long enter_kernel(enum way way, long nr, const unsigned long a[6])
{
    register unsigned long r10 __asm__("r10");
    register unsigned long r8 __asm__("r8");
    register unsigned long r9 __asm__("r9");
    long ret = nr;

    r10 = a[3];
    r8 = a[4];
    r9 = a[5];

    switch (way) {
    case WAY_SYSCALL:
        __asm__ volatile("syscall"
                         : "+a"(ret)
                         : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        return ret;
    case WAY_INT80:
        __asm__ volatile("int $0x80"
                         : "+a"(ret)
                         : "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "r8", "r9", "r10", "r11", "memory");
        return (int)ret;
    case WAY_SYSENTER: /* where it would come back to is 32-bit code that is not there */
        __asm__ volatile("sysenter"
                         : "+a"(ret)
                         : "b"(a[0])
                         : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
        return ret;
    }
    return -ENOSYS;
}

int filter_weaken(struct sock_filter *insns, size_t max, size_t n, long hole)
{
    const struct sock_filter allow[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)hole, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    if (n + ARRAY_SIZE(allow) > max)
        return -E2BIG;
    memmove(insns + ARRAY_SIZE(allow), insns, n * sizeof(*insns));
    memcpy(insns, allow, sizeof(allow));
    return (int)(n + ARRAY_SIZE(allow));
}

static bool is_weak(enum position p)
{
    return selftest_round.weak == POSITIONS || selftest_round.weak == (int)p;
}

struct trial {
    enum position p;
    const struct sock_filter *insns;
    size_t n;
};

static void try_in_child(const struct trial *t, const struct attempt *a)
{
    /* No core file, and no program that the host has for them: fs/coredump.c. */
    const struct rlimit no_core = {1, 1};
    struct error e = ERROR_INIT;
    sigset_t none;

    setrlimit(RLIMIT_CORE, &no_core);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(STUCK_S);
    if (filter_install_now(t->insns, t->n, position_names[t->p], &e))
        _exit(125);
    long value = enter_kernel(a->way, a->nr, a->args);
    selftest->child[t->p].value = value;
    selftest->child[t->p].returned = true;
    for (;;)
        syscall(SYS_exit_group, 0);
}

static bool is_refusal(const struct attempt *a, int status, bool returned, long value)
{
    if (returned)
        return a->answer && value == a->answer;
    if (a->way == WAY_SYSENTER) /* some processors do not know it */
        return !WIFEXITED(status) || WEXITSTATUS(status) != SYSENTER_PASSED;
    if (a->way == WAY_INT80 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
        return true; /* nor some kernels that */
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void try(const struct attempt *a, void *arg)
{
    const struct trial *t = arg;
    char how[64];
    int status;

    selftest->child[t->p].returned = false;
    pid_t pid = fork();
    if (pid == 0)
        try_in_child(t, a);
    if (pid < 0 || waitpid(pid, &status, 0) != pid ||
        (WIFEXITED(status) && WEXITSTATUS(status) == 125)) {
        snprintf(selftest->tally[t->p].could_not, TEXT_MAX, "making a process: %s",
                 pid < 0 ? strerror(errno) : "its filter is refused");
        return;
    }
    bool returned = selftest->child[t->p].returned;
    long value = selftest->child[t->p].value;
    if (returned && value < 0 && value > -4096)
        snprintf(how, sizeof(how), "the kernel answered %s", strerrorname_np((int)-value));
    else if (returned)
        snprintf(how, sizeof(how), "the kernel answered %ld", value);
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof(how), WTERMSIG(status) == SIGALRM ? "it waits" : "signal %d",
                 WTERMSIG(status));
    else
        snprintf(how, sizeof(how), "it ended");
    if (attempt_is_exempt(a, returned ? 0 : WTERMSIG(status), value))
        selftest->tally[t->p].exempt++;
    else
        tally_add(t->p, a, is_refusal(a, status, returned, value), how);
}

static void look_in_child(enum position p)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        cage_look(p);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        fact_add(position_names[p], false, "its cage was looked at", "the process ended early");
}

static int try_all(const struct sock_filter *insns, size_t n, const char *whose, struct error *e)
{
    static struct sock_filter own[INSNS_MAX];
    enum position p = strcmp(whose, "gofer") ? POS_SENTRY : POS_GOFER;
    struct trial t = {.p = p, .insns = own};
    int len = (int)n;

    if (n > INSNS_MAX)
        return -E2BIG;
    memcpy(own, insns, n * sizeof(*own));
    if (is_weak(p))
        len = filter_weaken(own, INSNS_MAX, n, selftest_round.hole);
    if (len < 0)
        return len;
    t.n = (size_t)len;
    if (!selftest_round.only_hole)
        look_in_child(p);
    attempts_each(p, try, &t);
    int err = filter_install_now(own, t.n, whose, e);
    if (err || p == POS_GOFER) {
        selftest->tally[p].done = true;
        return err;
    }
    /* The rest is guests', and this process their sentry: nothing else ever runs in it. */
    selftest->tally[p].done = true;
    if (!fiber_start(guest_try_all, NULL))
        return -ENOMEM;
    loop_run();
    _exit(0);
}

static int weaken_stub(struct sock_filter *insns, size_t max, size_t n, const char *whose)
{
    return is_weak(POS_STUB) ? filter_weaken(insns, max, n, selftest_round.hole) : (int)n;
}

const struct filter_hook selftest_hook = {.install = try_all, .copied = weaken_stub};
