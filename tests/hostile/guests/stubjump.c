/*
 * Jumps into every place of the stub's text with registers that make sense and that do not, and
 * uses its system call instruction as a gadget for whatever its filter might let through.
 */
#include "guest.h"

#include <sys/socket.h>

static uint64_t pick(void)
{
    static const uint64_t good[] = {0,
                                    1,
                                    ~0UL,
                                    STUB_SLOTS,
                                    STUB_SLOTS + 0x1000,
                                    STUB_SHARED,
                                    STUB_SLOTS + 0x11000,
                                    STUB_SCRATCH + 0x1000,
                                    STUB_TEXT,
                                    STUB_SLOTS + SLOT_SIZE,
                                    15,
                                    56,
                                    9,
                                    10,
                                    11,
                                    25,
                                    202,
                                    231,
                                    47};
    return rnd() % 4 ? good[rnd() % (sizeof(good) / sizeof(good[0]))] : rnd();
}

static void jump(long at)
{
    static uint64_t r[16];
    static char stack[65536] __attribute__((aligned(64)));

    seed((uint64_t)at * 77 + 5);
    for (int i = 0; i < 16; i++)
        r[i] = pick();
    r[0] = STUB_TEXT + (uint64_t)at;
    for (unsigned int i = 0; i + 8 <= sizeof(stack); i += 8)
        *(uint64_t *)(stack + i) = pick();
    r[15] = (uint64_t)(stack + 32768);
    __asm__ volatile("mov %0, %%r15\n"
                     "mov 8(%%r15), %%rax\n mov 16(%%r15), %%rbx\n mov 24(%%r15), %%rcx\n"
                     "mov 32(%%r15), %%rdx\n mov 40(%%r15), %%rsi\n mov 48(%%r15), %%rdi\n"
                     "mov 56(%%r15), %%rbp\n mov 64(%%r15), %%r8\n mov 72(%%r15), %%r9\n"
                     "mov 80(%%r15), %%r10\n mov 88(%%r15), %%r11\n mov 96(%%r15), %%r12\n"
                     "mov 120(%%r15), %%rsp\n"
                     "jmp *(%%r15)\n" ::"r"(r)
                     : "memory");
}

#define BATCH 8
static unsigned int stride;

/* In a process of its own: what a child becomes may send any signal to its parent. */
static void batch(long from)
{
    pid_t pids[BATCH];

    for (int i = 0; i < BATCH; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            jump(from + (long)stride * i);
            _exit(0);
        }
    }
    for (int i = 0; i < BATCH; i++)
        if (pids[i] > 0)
            reap(pids[i], i ? 1 : 15);
    if (failures)
        printf("batch from offset %#lx, stride %u\n", from, stride);
}

static void sweep(unsigned int from, unsigned int to, unsigned int step)
{
    stride = step;
    unsigned int at;

    for (at = from; at < to && !failures; at += BATCH * step)
        attempt(batch, at, 6000);
    if (failures)
        printf("after offset %#x\n", at);
}

/* --- the gadget --- */
static void forbidden(long nr)
{
    /* Not in the stub's filter: the sentry must get it as any other system call. */
    long r = stub_call(nr, 0, 0, 0, 0, 0, 0);
    (void)r;
}

static void unmap_slots(long x)
{
    stub_call(SYS_munmap, (long)STUB_SLOTS, 0x20000000, 0, 0, 0, 0);
    getppid();
}
static void unmap_text(long x)
{
    stub_call(SYS_munmap, (long)STUB_TEXT, 0x10000, 0, 0, 0, 0);
    getppid();
}
static void remap_slots(long x)
{
    stub_call(SYS_mmap, (long)STUB_SLOTS, 0x20000000, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
              -1, 0);
    getppid();
}
static void zero_slots(long x)
{
    stub_call(SYS_mmap, (long)STUB_SLOTS, 0x20000, 7, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
              0);
    for (int i = 0; i < 100; i++)
        getppid();
}
static void unmap_all(long x)
{
    stub_call(SYS_munmap, 0, (long)STUB_TEXT, 0, 0, 0, 0);
}
static void close_ctl(long x)
{
    int p[2];
    for (long fd = 0; fd < 64; fd++)
        stub_call(SYS_close, fd, 0, 0, 0, 0, 0);
    /* What needs a descriptor passed over the control socket now fails, or the child ends. */
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(1);
    if (pid > 0)
        waitpid(pid, &status, 0);
    if (pipe(p) == 0)
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}
static void swap_fds(long x)
{
    stub_call(SYS_dup3, 4, 3, 0, 0, 0, 0);
    stub_call(SYS_dup3, 3, 4, 0, 0, 0, 0);
    getppid();
    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fork() == 0)
        _exit(0);
}
static void flood_ctl(long x)
{
    for (int i = 0; i < 5000; i++)
        if (stub_call(SYS_sendto, 4, (long)"x", 1, 0, 0, 0) < 0)
            break;
}
static void flood_doorbell(long x)
{
    uint64_t huge = ~0UL - 1;
    for (int i = 0; i < 20000; i++)
        stub_call(SYS_write, 3, (long)&huge, 8, 0, 0, 0);
}
static void steal_fds(long x)
{
    char byte, ctl[64];
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
    stub_call(SYS_recvmsg, 4, (long)&m, MSG_DONTWAIT, 0, 0, 0);
    m.msg_controllen = sizeof(ctl);
    stub_call(SYS_recvmsg, 4, (long)&m, 0, 0, 0, 0); /* and wait for one */
}
static void write_shared(long x)
{
    catch_faults();
    if (!sigsetjmp(fault_jmp, 1)) {
        *(volatile uint32_t *)STUB_SHARED = 0x41414141;
        printf("FAIL shared page is writable\n");
    }
    stub_call(SYS_mprotect, (long)STUB_SHARED, 4096, 3, 0, 0, 0);
    if (!sigsetjmp(fault_jmp, 1)) {
        *(volatile uint32_t *)STUB_SHARED = 0x41414141;
        printf("FAIL shared page becomes writable by mprotect\n");
    }
    long p = stub_call(SYS_mremap, (long)STUB_SHARED, 0, 4096, 1, 0, 0);
    if (p > 0 && p < (long)STUB_END) {
        stub_call(SYS_mprotect, p, 4096, 3, 0, 0, 0);
        if (!sigsetjmp(fault_jmp, 1)) {
            *(volatile uint32_t *)p = 0x41414141;
            printf("FAIL a copy of the shared page becomes writable\n");
        }
    }
}
/* Processes the sentry did not ask for. They must stay bounded and end with the sandbox. */
static void rogue_forks(long flags)
{
    for (int i = 0; i < 200; i++) {
        long r = stub_call(SYS_clone, flags, 0, 0, 0, 0, 0);
        if (r == 0)
            for (;;)
                stub_call(SYS_futex, (long)&failures, 0 /* FUTEX_WAIT */, 0, 0, 0, 0);
        if (r < 0)
            break;
    }
}
static void rogue_bomb(long x)
{
    for (;;)
        stub_call(SYS_clone, 0x8011, 0, 0, 0, 0, 0);
}
static void bad_sigreturn(long x)
{
    static char frame[4096] __attribute__((aligned(64)));
    seed((uint64_t)x);
    for (unsigned int i = 0; i < sizeof(frame) / 8; i++)
        ((uint64_t *)frame)[i] = pick();
    __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; jmp *%1" ::"r"(frame + 1024), "r"(gadget())
                     : "memory");
}

static void (*const tricks[])(long) = {unmap_slots,    unmap_text, remap_slots, zero_slots,
                                       unmap_all,      close_ctl,  swap_fds,    flood_ctl,
                                       flood_doorbell, steal_fds,  write_shared};

static void try(const char *name, void (*fn)(long), long arg, int ms)
{
    int before = failures;

    attempt(fn, arg, ms);
    if (failures != before)
        printf("after %s %ld\n", name, arg);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    volatile int text = 0;

    if (argc > 2) { /* one of them again */
        long arg = strtol(argv[2], NULL, 0);
        if (!strcmp(argv[1], "jump"))
            try("jump", jump, arg, 300);
        else if (!strcmp(argv[1], "sigreturn"))
            try("sigreturn", bad_sigreturn, arg, 300);
        else if (!strcmp(argv[1], "rogue"))
            try("rogue", rogue_forks, arg, 1000);
        else if (!strcmp(argv[1], "bomb"))
            try("bomb", rogue_bomb, arg, 700);
        return finish();
    }

    catch_faults();
    if (!sigsetjmp(fault_jmp, 1)) {
        volatile char c = *(volatile char *)STUB_TEXT;
        (void)c;
        text = gadget() != 0;
    }
    for (int i = 1; i < 32; i++)
        signal(i, SIG_DFL);
    printf("gadget %s\n", text ? "found" : "not found");
    fflush(stdout);
    if (!text) {
        sweep(0, 0x4000, 997);
        return finish();
    }
    sweep(0xb0, 0x1800, 5);
    sweep(0x1800, 0x4400, 61);
    still_sane();
    for (unsigned int i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
        attempt(tricks[i], 0, 300);
        still_sane();
        if (failures)
            printf("after trick %u\n", i);
    }
    for (long nr = 0; nr < 470; nr++)
        if (nr != SYS_kill && nr != SYS_pause) {
            try("number", forbidden, nr, 20);
        }
    for (long i = 0; i < 30; i++)
        try("sigreturn", bad_sigreturn, i, 50);
    still_sane();
    try("rogue", rogue_forks, 0x8011, 1000);
    try("rogue", rogue_forks, 0x50f00, 1000);
    still_sane();
    try("bomb", rogue_bomb, 0, 700);
    return failures ? 1 : 0;
}
