/*
 * Guest code, in a process that the platform has made for it: each attempt is a jump to a system
 * call instruction, its own or the stub's, with registers set for it. Refused is what arrives at
 * the sentry as any other call of a guest; what passes comes back to guest code, which then traps.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "platform/platform.h"
#include "platform/trap/layout.h"
#include "platform/trap/stub_image.h"
#include "runsc-cli/selftest/selftest.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"

#define CODE 0x10000000UL
#define STACK (CODE + NV_PAGE_SIZE)
#define PROBE (CODE + 2 * NV_PAGE_SIZE)
#define STUCK_NS (2 * NSEC_PER_SEC)
#define DESCRIPTORS 2048

static const struct {
    uint64_t at;
    unsigned char insns[4]; /* the way in, ud2 */
} ways[] = {
    [WAY_SYSCALL] = {CODE, {0x0f, 0x05, 0x0f, 0x0b}},
    [WAY_INT80] = {CODE + 16, {0xcd, 0x80, 0x0f, 0x0b}},
    [WAY_SYSENTER] = {CODE + 32, {0x0f, 0x34, 0x0f, 0x0b}},
};
#define BACK (CODE + 48) /* where the stub's instruction returns to: ud2 */

static struct guest {
    struct aspace *as;
    struct gthread *thr;
    struct ktimer stuck;
    uint64_t gadget; /* syscall; ret in the stub's text */
} guest;

static void is_stuck(struct ktimer *t)
{
    platform->aspace_kill(guest.as);
}

static uint64_t find_gadget(void)
{
    static const unsigned char want[] = {0x0f, 0x05, 0xc3};
    const char *p = memmem(stub_image, stub_image_size, want, sizeof(want));

    return p ? STUB_TEXT + (uint64_t)(p - stub_image) : 0;
}

static long hostcall(long nr, const unsigned long args[6])
{
    struct platform_hostcall call = {.nr = nr, .fd = -1};

    memcpy(call.args, args, sizeof(call.args));
    int err = platform->hostcall(guest.thr, &call);
    return err ? err : call.result;
}

static int guest_fill(void)
{
    unsigned char code[64];
    uint64_t back = BACK;
    long r = hostcall(SYS_mmap,
                      (unsigned long[]){CODE, 2 * NV_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0UL, 0});

    if (r < 0)
        return (int)r;
    memset(code, 0xcc, sizeof(code));
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
        memcpy(code + (ways[i].at - CODE), ways[i].insns, sizeof(ways[i].insns));
    code[BACK - CODE] = 0x0f;
    code[BACK - CODE + 1] = 0x0b;
    if (platform->write_mem(guest.as, CODE, code, sizeof(code)) != sizeof(code) ||
        platform->write_mem(guest.as, STACK + NV_PAGE_SIZE / 2, &back, sizeof(back)) !=
            sizeof(back))
        return -EFAULT;
    if (platform->ask_futex)
        platform->ask_futex(guest.as);
    return 0;
}

static int guest_new(void)
{
    int err = platform->aspace_new(&guest.as, &guest.thr);

    if (!err) {
        guest.gadget = find_gadget();
        err = guest.gadget ? guest_fill() : -ENOEXEC;
    }
    return err;
}

static void guest_end(void)
{
    platform->aspace_kill(guest.as);
    platform->thread_free(guest.thr);
    platform->aspace_put(guest.as);
}

/* Until something else than an interruption happens; where guest code then is. */
static uint64_t run(struct platform_event *ev)
{
    struct user_regs_struct r = {0};

    ktimer_arm(&guest.stuck, now_ns() + STUCK_NS);
    do
        platform->run(guest.thr, ev);
    while (ev->kind == PE_INTERRUPTED);
    ktimer_cancel(&guest.stuck);
    if (ev->kind != PE_EXITED)
        platform->get_regs(guest.thr, &r);
    return r.rip;
}

/* The event that the attempt ends with; *ip as above, *ax what is in rax. */
static void enter(const struct attempt *a, uint64_t at, struct platform_event *ev, uint64_t *ip,
                  long *ax)
{
    struct user_regs_struct r = {0};

    platform->get_regs(guest.thr, &r);
    r.rip = at;
    r.rsp = STACK + NV_PAGE_SIZE / 2;
    r.rax = (unsigned long)a->nr;
    r.orig_rax = (unsigned long)-1;
    r.eflags = 0x202;
    if (a->way == WAY_SYSCALL) {
        r.rdi = a->args[0], r.rsi = a->args[1], r.rdx = a->args[2];
        r.r10 = a->args[3], r.r8 = a->args[4], r.r9 = a->args[5];
    } else {
        r.rbx = a->args[0], r.rcx = a->args[1], r.rdx = a->args[2];
        r.rsi = a->args[3], r.rdi = a->args[4], r.rbp = a->args[5];
    }
    platform->set_regs(guest.thr, &r);
    memset(ev, 0, sizeof(*ev));
    *ip = run(ev);
    *ax = 0;
    if (ev->kind == PE_FAULT) {
        platform->get_regs(guest.thr, &r);
        *ax = (long)r.rax;
    }
}

static void try(const struct attempt *a, void *arg)
{
    enum position p = *(enum position *)arg;
    uint64_t at = p == POS_STUB ? guest.gadget : ways[a->way].at, ip;
    struct tally *t = &selftest->tally[p];
    struct platform_event ev;
    char how[64];
    long ax;

    if (t->could_not[0])
        return;
    enter(a, at, &ev, &ip, &ax);
    /* A fault of the instruction itself: the processor or the host does not know this way. */
    /* A signal that the kernel sends is none that an instruction has caused. */
    int sig = ev.kind == PE_FAULT && ev.info.si_code == SI_KERNEL ? ev.info.si_signo : 0;
    if (ev.kind == PE_FAULT && attempt_is_exempt(a, sig, ax)) {
        t->exempt++;
        return;
    }
    bool refused = ev.kind == PE_SYSCALL || (ev.kind == PE_FAULT && ip == at);
    if (ev.kind == PE_EXITED)
        snprintf(how, sizeof(how), "the process ended, or waits");
    else if (ax < 0 && ax > -4096)
        snprintf(how, sizeof(how), "the kernel answered %s", strerrorname_np((int)-ax));
    else
        snprintf(how, sizeof(how), "the kernel answered %ld", ax);
    tally_add(p, a, refused, how);
    if (ev.kind != PE_EXITED)
        return;
    guest_end();
    int err = guest_new();
    if (err)
        snprintf(t->could_not, TEXT_MAX, "making a guest process: %s", strerror(-err));
}

/* --- what a guest process has --- */
static bool is_own_descriptor(long fd)
{
    return fd == STUB_FD_CTL || (fd == STUB_FD_DOORBELL && platform == &platform_trap);
}

static void look_at_descriptors(void)
{
    char list[TEXT_MAX] = "";
    size_t len = 0;
    int n = 0;

    for (long fd = 0; fd < DESCRIPTORS; fd++) {
        long r =
            hostcall(SYS_mmap, (unsigned long[]){PROBE, NV_PAGE_SIZE, PROT_NONE,
                                                 MAP_PRIVATE | MAP_FIXED, (unsigned long)fd, 0});
        if (r == -EBADF || is_own_descriptor(fd))
            continue;
        n++;
        if (len < sizeof(list) - 16)
            len += (size_t)snprintf(list + len, sizeof(list) - len, " %ld", fd);
    }
    fact_add("guest", !n, "has no descriptors but those of the platform", "%s", list);
}

/* clone as the stub makes it, which its filter lets through, when nobody has asked for it. */
static void look_at_clone(void)
{
    const struct attempt fork = {.nr = SYS_clone, .args = {CLONE_PARENT | SIGCHLD}};
    const struct attempt thread = {
        .nr = SYS_clone,
        .args = {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
                 STACK + NV_PAGE_SIZE / 2}};
    const struct attempt *const tries[] = {&fork, &thread};

    for (size_t i = 0; platform == &platform_trap && i < ARRAY_SIZE(tries); i++) {
        struct platform_event ev;
        uint64_t ip;
        long ax;

        enter(tries[i], guest.gadget, &ev, &ip, &ax);
        fact_add("guest", ev.kind == PE_FAULT && ax == -EAGAIN,
                 i ? "makes no thread unasked" : "makes no process unasked", "answer %ld", ax);
        if (ev.kind == PE_EXITED)
            break;
    }
}

void guest_try_all(void *arg)
{
    int err = guest_new();

    ktimer_init(&guest.stuck, is_stuck);
    for (enum position p = POS_GUEST; p <= POS_STUB; p++) {
        struct tally *t = &selftest->tally[p];
        if (err)
            snprintf(t->could_not, TEXT_MAX, "making a guest process: %s", strerror(-err));
        else
            attempts_each(p, try, &p);
        if (!err && p == POS_STUB && !t->could_not[0] && !selftest_round.only_hole) {
            look_at_descriptors();
            look_at_clone();
        }
        t->done = true;
    }
    for (;;) /* it stays, for those who look from outside */
        fiber_park();
}
