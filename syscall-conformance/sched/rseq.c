/*
 * rseq(2), Documentation/userspace-api/rseq.rst: the kernel writes where the thread runs, and a
 * critical section that was interrupted goes on at its abort address.
 */
#include "../process/child.h"
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define SIG 0x53053053U

static _Thread_local struct {
    struct rseq r;
    char room[32]; /* newer kernels write more than the first 32 bytes, if they are given more */
} __attribute__((aligned(32))) area;

/* glibc has registered its own: it is given up first. */
/* NOLINTBEGIN(bugprone-reserved-identifier): its names */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */

static void leave_libc(void)
{
    if (&__rseq_size && __rseq_size) {
        char *tp = __builtin_thread_pointer();
        syscall(SYS_rseq, tp + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER, SIG);
    }
}

static long reg(int flags, unsigned int sig)
{
    return syscall(SYS_rseq, &area.r, 32, flags, sig);
}

static volatile int handled;

static void handler(int sig)
{
    handled++;
}

/* Spins inside a critical section until it is aborted. */
static int spin_until_aborted(void)
{
    int aborted = 0;

    __asm__ volatile("leaq 3f(%%rip), %%rax\n\t"
                     "movq %%rax, %[cs]\n\t"
                     "1:\n\t"
                     "pause\n\t"
                     "jmp 1b\n\t"
                     "2:\n\t"
                     "jmp 5f\n\t"
                     ".pushsection .data\n\t"
                     ".balign 32\n\t"
                     "3:\n\t"
                     ".long 0, 0\n\t"
                     ".quad 1b, 2b - 1b, 4f\n\t"
                     ".popsection\n\t"
                     ".byte 0x0f, 0xb9, 0x3d\n\t"
                     ".long 0x53053053\n\t"
                     "4:\n\t"
                     "movl $1, %[aborted]\n\t"
                     "5:\n\t"
                     : [cs] "=m"(area.r.rseq_cs), [aborted] "+r"(aborted)
                     :
                     : "rax", "memory", "cc");
    return aborted;
}

static void *thread(void *arg)
{
    leave_libc();
    is_eq(reg(0, SIG), 0);
    is_eq(area.r.cpu_id, area.r.cpu_id_start);
    return NULL;
}

int main(void)
{
    pthread_t th;
    int status;

    leave_libc();
    ok(getauxval(27) >= 20 && getauxval(28) >= 32, "AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN");
    is_errno(syscall(SYS_rseq, &area.r, 16, 0, SIG), EINVAL);
    is_errno(syscall(SYS_rseq, (char *)&area.r + 4, 32, 0, SIG), EINVAL);
    is_errno(syscall(SYS_rseq, &area.r, 32, 2, SIG), EINVAL);
    is_errno(syscall(SYS_rseq, 0xffff800000000000UL, 32, 0, SIG), EFAULT);
    is_errno(reg(RSEQ_FLAG_UNREGISTER, SIG), EINVAL);
    area.r.cpu_id = 77;
    is_eq(reg(0, SIG), 0);
    is_errno(reg(0, SIG), EBUSY);
    is_errno(reg(0, SIG + 1), EPERM);
    is_errno(reg(RSEQ_FLAG_UNREGISTER, SIG + 1), EPERM);
    is_errno(syscall(SYS_rseq, &area.r, 64, 0, SIG), EINVAL);

    for (int cpu = 0; cpu < 2; cpu++) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        if (sched_setaffinity(0, sizeof(set), &set) == 0)
            ok(area.r.cpu_id == (unsigned)cpu && area.r.cpu_id_start == (unsigned)cpu,
               "it says where the thread was moved to");
        else
            skip("one processor");
    }

    /* A signal. */
    struct sigaction sa = {.sa_handler = handler};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval soon = {.it_value = {0, 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    int aborted = 0;
    while (!handled)
        aborted = spin_until_aborted();
    is_eq(aborted, 1);
    is_eq(area.r.rseq_cs, 0);
    /* Being scheduled away: another that spins on the same processor. */
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            ;
    is_eq(spin_until_aborted(), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);

    /* A child of fork has the registration, a thread has none. */
    pid = fork();
    if (pid == 0)
        _exit(reg(0, SIG) == -1 && errno == EBUSY ? 3 : 4);
    waitpid(pid, &status, 0);
    is_eq(WEXITSTATUS(status), 3);
    pthread_create(&th, NULL, thread, NULL);
    pthread_join(th, NULL);
    /* Its host thread may be used again: nobody writes to the area of one that has ended. */
    pthread_create(&th, NULL, thread, NULL);
    pthread_join(th, NULL);

    /* A description that leads nowhere ends the process. */
    pid = fork();
    if (pid == 0) {
        for (;;)
            *(volatile uint64_t *)&area.r.rseq_cs = 1UL << 63;
    }
    waitpid(pid, &status, 0);
    is_eq(status & 0x7f, SIGSEGV);

    is_eq(reg(RSEQ_FLAG_UNREGISTER, SIG), 0);
    is_eq(area.r.cpu_id, (unsigned)RSEQ_CPU_ID_UNINITIALIZED);
    done();
}
