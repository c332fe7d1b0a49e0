/*
 * What the attackers share. Each attack runs in a forked child that may end in any way; the parent
 * kills it after a while and then checks that the kernel still serves it well.
 */
#ifndef GUEST_H
#define GUEST_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/trap/layout.h"

static uint64_t rng_state = 0x9e3779b97f4a7c15ULL;

static inline uint64_t rnd(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

static inline void seed(uint64_t s)
{
    rng_state = s * 0x9e3779b97f4a7c15ULL + 1;
    for (int i = 0; i < 8; i++)
        rnd();
}

static inline uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The system call as it is: -errno on failure. */
static inline long sys(long nr, long a, long b, long c, long d, long e, long f)
{
    long r = syscall(nr, a, b, c, d, e, f);
    return r < 0 ? -errno : r;
}

static int failures;

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        printf("FAIL %s:%d: ", __FILE__, __LINE__);                                                \
        printf(__VA_ARGS__);                                                                       \
        printf(" (errno %d)\n", errno);                                                            \
        fflush(stdout);                                                                            \
        failures++;                                                                                \
    } while (0)
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            FAIL("%s", #cond);                                                                     \
    } while (0)

/* Waits for pid at most ms, then kills it. The wait status; a child that cannot be killed fails. */
static inline int reap(pid_t pid, int ms)
{
    uint64_t end = now_ms() + (uint64_t)ms;
    int status = 0;

    for (;;) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        if (now_ms() >= end)
            break;
        usleep(500);
    }
    kill(pid, SIGKILL);
    for (end = now_ms() + 3000; now_ms() < end; usleep(500))
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
    FAIL("child %d survives SIGKILL", pid);
    return 0;
}

/* fn(arg) in a child, for at most ms. */
static inline int attempt(void (*fn)(long), long arg, int ms)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        FAIL("fork");
        return -1;
    }
    if (pid == 0) {
        fn(arg);
        fflush(NULL);
        _exit(0);
    }
    return reap(pid, ms);
}

/* Does the kernel still do ordinary work? */
static inline void still_sane(void)
{
    int p[2];
    char b[4] = "";
    pid_t pid;

    CHECK(pipe(p) == 0);
    pid = fork();
    if (pid == 0) {
        char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m == MAP_FAILED)
            _exit(1);
        memset(m, 1, 65536);
        _exit(write(p[1], "sane", 4) == 4 ? 7 : 2);
    }
    CHECK(pid > 0);
    int status = reap(pid, 10000);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK(read(p[0], b, 4) == 4 && !memcmp(b, "sane", 4));
    CHECK(getpid() == (int)syscall(SYS_getpid));
    close(p[0]);
    close(p[1]);
}

static inline int finish(void)
{
    still_sane();
    printf("%s\n", failures ? "failed" : "survived");
    return failures ? 1 : 0;
}

/* --- the stub's own system call instruction, used as a gadget --- */
static inline long call_at(uint64_t at, long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;

    __asm__ volatile("call *%[at]"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9), [at] "r"(at)
                     : "rcx", "r11", "memory");
    return ret;
}

/* Address of "syscall; ret" in the stub, or 0. */
static inline uint64_t gadget(void)
{
    const unsigned char *p = (const unsigned char *)STUB_TEXT;

    for (unsigned int i = 0xb0; i < 0x3ff0; i++)
        if (p[i] == 0x0f && p[i + 1] == 0x05 && p[i + 2] == 0xc3)
            return STUB_TEXT + i;
    return 0;
}

static inline long stub_call(long nr, long a, long b, long c, long d, long e, long f)
{
    static uint64_t at;

    if (!at)
        at = gadget();
    return at ? call_at(at, nr, a, b, c, d, e, f) : -ENOSYS;
}

/* --- faults that are caught --- */
static sigjmp_buf fault_jmp;

static inline void on_fault(int sig)
{
    siglongjmp(fault_jmp, sig);
}

static inline void catch_faults(void)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};

    sigaltstack(&ss, NULL);
    for (unsigned int i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
        sigaction(sigs[i], &sa, NULL);
}

#endif
