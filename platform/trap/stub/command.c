/* Commands of the sentry that make host calls, copies of the process and threads. */
#include <asm/unistd.h>

#include "platform/trap/stub/stub.h"

#define CLONE_THREAD_FLAGS 0x50f00 /* VM FS FILES SIGHAND THREAD SYSVSEM */
#define CLONE_FORK_FLAGS 0x8011    /* CLONE_PARENT | SIGCHLD */

/* Receives n descriptors sent by the sentry; they are always there before the command. */
static int receive_fds(int *fds, uint32_t n)
{
    struct {
        uint64_t len;
        int32_t level, type;
        int32_t fd[BATCH_FDS];
    } c = {0};
    char byte;
    struct {
        void *base;
        uint64_t len;
    } iov = {&byte, 1};
    struct {
        void *name;
        uint32_t namelen, pad;
        void *iov;
        uint64_t iovlen;
        void *control;
        uint64_t controllen;
        int32_t flags;
    } m = {0, 0, 0, &iov, 1, &c, sizeof(c), 0};

    long r = host_syscall(__NR_recvmsg, STUB_FD_CTL, &m, 0, 0);
    if (r < 0 || m.controllen < 16 || c.len != 16 + 4 * (uint64_t)n)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        fds[i] = c.fd[i];
    return 0;
}

int64_t do_hostcall(struct slot *s)
{
    int fds[1] = {-1};
    uint64_t a0 = s->hc_args[0], a4 = s->hc_args[4];
    uint32_t with = s->hc_fd;

    if (with != HC_NO_FD) {
        if (receive_fds(fds, 1))
            return -9; /* EBADF */
        if (with == HC_FD_KEEP)
            a0 = (uint64_t)fds[0];
        else
            a4 = (uint64_t)fds[0];
    }
    int64_t r = host_syscall6((long)s->hc_nr, (long)a0, (long)s->hc_args[1], (long)s->hc_args[2],
                              (long)s->hc_args[3], (long)a4, (long)s->hc_args[5]);
    if (with == HC_FD_KEEP)
        s->kept = fds[0];
    else if (with == HC_FD_ONCE)
        host_syscall(__NR_close, fds[0], 0, 0, 0);
    return r;
}

/* All of them, whatever one of them says. */
int64_t do_batch(struct slot *s)
{
    struct slot_call *c = (struct slot_call *)slot_window(s);
    uint64_t n = s->hc_nr < BATCH_MAX ? s->hc_nr : BATCH_MAX;
    uint32_t nfds = s->hc_fd;
    int fds[BATCH_FDS];

    if (nfds > BATCH_FDS || (nfds && receive_fds(fds, nfds)))
        return -9;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t with = (uint32_t)(c[i].nr >> 32);
        uint64_t a4 = with && with <= nfds ? (uint64_t)fds[with - 1] : c[i].args[4];
        c[i].result =
            host_syscall6((long)(uint32_t)c[i].nr, (long)c[i].args[0], (long)c[i].args[1],
                          (long)c[i].args[2], (long)c[i].args[3], (long)a4, (long)c[i].args[5]);
    }
    for (uint32_t i = 0; i < nfds; i++)
        host_syscall(__NR_close, fds[i], 0, 0, 0);
    return 0;
}

/* In the child: takes the new slots and control socket into use. */
static __attribute__((noreturn)) void fork_child(int slots_fd, int ctl_fd)
{
    char byte = 'R';

    long r = host_syscall6(__NR_mmap, STUB_SLOTS, SLOTS_SPAN, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED | MAP_NORESERVE, slots_fd, 0);
    if (r < 0 || host_syscall(__NR_dup3, ctl_fd, STUB_FD_CTL, 0, 0) < 0)
        die(102);
    host_syscall(__NR_close, slots_fd, 0, 0, 0);
    host_syscall(__NR_close, ctl_fd, 0, 0, 0);
    /* The socket's credentials tell the sentry our true pid. */
    host_syscall(__NR_sendto, STUB_FD_CTL, &byte, 1, 0);
    stub_on_stack((void *)(STUB_SCRATCH + STUB_SCRATCH_SIZE - 64), thread_main, (void *)STUB_SLOTS);
}

/*
 * clone(2) whose child starts at fn(a, b) on the stack that ends at top. It never returns here: the
 * stack this code runs on is shared memory in a forked child and somebody else's in a thread.
 */
static int64_t clone_to(uint64_t flags, uint64_t top, void *fn, uint64_t a, uint64_t b)
{
    uint64_t *sp = (uint64_t *)(top - 64);
    int64_t ret;

    sp[0] = (uint64_t)fn;
    sp[1] = a;
    sp[2] = b;
    __asm__ volatile("xor %%r10d, %%r10d\n"
                     "xor %%r8d, %%r8d\n"
                     "xor %%edx, %%edx\n"
                     "syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "xor %%ebp, %%ebp\n"
                     "pop %%rax\n"
                     "pop %%rdi\n"
                     "pop %%rsi\n"
                     "and $-16, %%rsp\n"
                     "call *%%rax\n"
                     "hlt\n"
                     "1:\n"
                     : "=a"(ret)
                     : "a"(__NR_clone), "D"(flags), "S"(sp)
                     : "rcx", "rdx", "r8", "r10", "r11", "memory");
    return ret;
}

int64_t do_fork(void)
{
    int fds[2];

    if (receive_fds(fds, 2))
        return -9;
    /* The lower half of the scratch area is the child's; the sentry forks one thread at a time. */
    int64_t pid = clone_to(CLONE_FORK_FLAGS, STUB_SCRATCH + STUB_SCRATCH_SIZE / 2, fork_child,
                           (uint64_t)fds[0], (uint64_t)fds[1]);
    host_syscall(__NR_close, fds[0], 0, 0, 0);
    host_syscall(__NR_close, fds[1], 0, 0, 0);
    return pid;
}

int64_t do_clone(struct slot *s)
{
    uint64_t slot = STUB_SLOTS + (s->clone_index % SLOTS_MAX) * SLOT_SIZE;

    return clone_to(CLONE_THREAD_FLAGS, slot + SLOT_IDLE_STACK, thread_main, slot, 0);
}
