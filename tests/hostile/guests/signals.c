/* Handlers where they hurt, and frames for sigreturn that no kernel has made. */
#include "guest.h"

#include <pthread.h>
#include <sys/ucontext.h>

static void forge(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *g = uc->uc_mcontext.gregs;
    static const uint64_t odd[] = {0,
                                   ~0UL,
                                   0x800000000000UL,
                                   0x7fffffffffffUL,
                                   0xffff800000000000UL,
                                   0xffffffff81000000UL,
                                   STUB_TEXT,
                                   STUB_SLOTS + 0x11000,
                                   0xffffffffff600000UL};

    for (int i = 0; i < 3; i++) {
        switch (rnd() % 12) {
        case 0:
            g[REG_CSGSFS] = (greg_t)rnd();
            break;
        case 1:
            g[REG_CSGSFS] = (greg_t)(0x10 | rnd() << 48);
            break;
        case 2:
            g[REG_CSGSFS] = 0x23 | 0x2bLL << 48;
            break;
        case 3:
            g[REG_EFL] = (greg_t)rnd();
            break;
        case 4:
            g[REG_EFL] |= 0x100;
            break; /* TF */
        case 5:
            g[REG_EFL] |= 0x47500;
            break; /* TF, DF, NT, IOPL, AC */
        case 6:
            g[REG_RIP] = (greg_t)odd[rnd() % 9];
            break;
        case 7:
            g[REG_RSP] = (greg_t)odd[rnd() % 9];
            break;
        case 8:
            uc->uc_mcontext.fpregs = (fpregset_t)odd[rnd() % 9];
            break;
        case 9: /* a mangled FP area */
            for (int k = 0; k < 20; k++)
                ((uint64_t *)uc->uc_mcontext.fpregs)[rnd() % 100] = rnd();
            break;
        case 10:
            uc->uc_flags = rnd();
            break;
        default:
            uc->uc_stack.ss_sp = (void *)odd[rnd() % 9];
            uc->uc_stack.ss_size = rnd();
            break;
        }
    }
}

static void forged_frame(long i)
{
    struct sigaction sa = {.sa_sigaction = forge, .sa_flags = SA_SIGINFO};

    seed((uint64_t)i);
    sigaction(SIGUSR1, &sa, NULL);
    for (int n = 0; n < 4; n++) {
        raise(SIGUSR1);
        getppid();
    }
}

static void random_frame(long i)
{
    static char frame[8192] __attribute__((aligned(64)));

    seed((uint64_t)i + 1000);
    for (unsigned int k = 0; k < sizeof(frame) / 8; k++)
        ((uint64_t *)frame)[k] = rnd() % 3 ? rnd() : (uint64_t)(frame + 4096);
    __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" ::"r"(frame + (i % 64) * 8)
                     : "memory");
}

static void frame_at_edge(long i)
{
    static const uint64_t where[] = {0,
                                     8,
                                     0x7ffeffffff00UL,
                                     STUB_TEXT - 64,
                                     STUB_TEXT,
                                     STUB_SLOTS + 0x12000,
                                     0x7fffffffff00UL,
                                     0x800000000000UL,
                                     ~0UL - 63};
    __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" ::"r"(where[i]) : "memory");
}

static volatile int nested;
static void again(int sig)
{
    if (nested++ < 100000)
        *(volatile int *)8 = 1;
}
static void fault_in_handler(long flags)
{
    struct sigaction sa = {.sa_handler = again, .sa_flags = (int)flags};

    sigaction(SIGSEGV, &sa, NULL);
    *(volatile int *)8 = 1;
}

static void handler_is_fault(long flags)
{
    struct sigaction sa = {.sa_handler = (void (*)(int))0x1234, .sa_flags = (int)flags};

    sigaction(SIGSEGV, &sa, NULL);
    *(volatile int *)8 = 1;
}

static void everything_blocked(long x)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    *(volatile int *)8 = 1; /* Linux kills although it is blocked */
    _exit(9);
}

static void trace_flag(long x)
{
    signal(SIGTRAP, SIG_IGN);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; mov $39, %%eax; syscall" ::
                         : "memory", "rax", "rcx", "r11");
}

static volatile int steps;
static void step(int sig, siginfo_t *info, void *context)
{
    if (++steps > 2000)
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100LL;
}
static void single_step(long x)
{
    struct sigaction sa = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};

    sigaction(SIGTRAP, &sa, NULL);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory");
    for (int i = 0; i < 100; i++)
        syscall(SYS_getppid);
    _exit(steps > 100 ? 0 : 8);
}

static void sigsys_games(long x)
{
    struct sigaction sa = {.sa_sigaction = forge, .sa_flags = SA_SIGINFO | SA_NODEFER};

    for (int sig = 1; sig < 65; sig++)
        sigaction(sig, &sa, NULL);
    for (int n = 0; n < 300; n++) {
        kill(getpid(), (int)(rnd() % 64) + 1);
        raise(SIGSYS);
        raise(SIGUSR2);
    }
}

static void *spin(void *arg)
{
    for (;;)
        if (arg)
            getppid();
    return NULL;
}
static void storm(long x)
{
    pthread_t th;

    for (int sig = 1; sig < 65; sig++)
        signal(sig, sig % 2 ? SIG_IGN : on_fault);
    struct sigaction sa = {.sa_handler = again};
    nested = 1 << 30;
    sigaction(SIGUSR2, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    for (int i = 0; i < 6; i++)
        pthread_create(&th, NULL, spin, i % 2 ? &th : NULL);
    for (int i = 0; i < 20000; i++)
        kill(getpid(), i % 2 ? SIGUSR1 : SIGUSR2);
}

static void queue_flood(long x)
{
    sigset_t all;
    union sigval v = {0};

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0; i < 300000; i++)
        if (sigqueue(getpid(), SIGRTMIN + i % 20, v))
            break;
}

static void altstack_tiny(long size)
{
    static char stack[4096];
    struct sigaction sa = {.sa_handler = again, .sa_flags = SA_ONSTACK | SA_NODEFER};
    stack_t ss = {.ss_sp = stack, .ss_size = (size_t)size};

    sigaltstack(&ss, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    __asm__ volatile("mov $64, %%rsp; push %%rax" ::: "memory");
}

/* Children whose end is told by signals that do not exist. */
static void odd_exit_signals(long x)
{
    for (unsigned long sig = 0; sig < 256; sig++)
        if (sig != SIGKILL && sig != SIGSTOP && sig != SIGTSTP && sig != SIGTTIN &&
            sig != SIGTTOU && sig != 32 && sig != 33) { /* those two belong to libc */
            signal((int)sig, SIG_IGN);
            if (syscall(SYS_clone, sig, 0, 0, 0, 0) == 0)
                _exit(0);
        }
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
}

int main(void)
{
    for (long i = 0; i < 200; i++)
        attempt(forged_frame, i, 300);
    for (long i = 0; i < 60; i++)
        attempt(random_frame, i, 300);
    for (long i = 0; i < 9; i++) {
        int s = attempt(frame_at_edge, i, 1000);
        if (i != 5)
            CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);
    }
    for (long i = 0; i < 4; i++) {
        long flags = (i & 1 ? SA_NODEFER : 0) | (i & 2 ? SA_ONSTACK : 0);
        CHECK(WIFSIGNALED(attempt(fault_in_handler, flags, 4000)));
        CHECK(WIFSIGNALED(attempt(handler_is_fault, flags, 4000)));
    }
    CHECK(WIFSIGNALED(attempt(everything_blocked, 0, 1000)));
    attempt(trace_flag, 0, 1000);
    int s = attempt(single_step, 0, 5000);
    if (!WIFEXITED(s) || WEXITSTATUS(s))
        FAIL("single steps end with %#x", s);
    s = attempt(odd_exit_signals, 0, 3000);
    CHECK(WIFEXITED(s));
    attempt(sigsys_games, 0, 1000);
    attempt(storm, 0, 3000);
    attempt(queue_flood, 0, 3000);
    for (long size = 2048; size <= 4096; size += 1024)
        attempt(altstack_tiny, size, 1000);
    return finish();
}
