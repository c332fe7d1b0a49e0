/* A handler finds its program counter in the program, and the registers of the call intact. */
#include "text.h"
#include <sys/time.h>

#define ENOUGH 300

static volatile sig_atomic_t seen, strange, half;
static volatile int stop;

static void look(int sig, siginfo_t *info, void *context)
{
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    const char *ip = (const char *)g[REG_RIP];

    seen++;
    /* The kernel's own page is far above a static program. */
    if (ip < program_start || (ip >= etext && (uintptr_t)ip < 1UL << 32))
        strange++;
    if ((uintptr_t)ip >= 0x7fff00000000UL && (uintptr_t)ip < 0x7fff80000000UL)
        strange++;
    /* Inside an instruction of ours? */
    if ((ip > site_front_at && ip < site_front_after && ip + 2 != site_front_after) ||
        (ip > site_back_at && ip < site_back_after))
        half++;
    if (ip == site_front_after && g[REG_RDI] != -1)
        half++;
}

static void *sender(void *arg)
{
    pid_t pid = getpid(), tid = *(pid_t *)arg;

    while (!stop)
        syscall(SYS_tgkill, pid, tid, SIGUSR1);
    return NULL;
}

int main(void)
{
    pid_t tid = (pid_t)syscall(SYS_gettid);
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    pthread_t t;
    int bad = 0;

    install(SIGUSR1, look, SA_RESTART);
    install(SIGALRM, look, SA_RESTART);
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_create(&t, NULL, sender, &tid);
    while (seen < ENOUGH) {
        bad += site_back(SYS_getsid, -1) != -ESRCH;
        bad += site_front(-1) != -ESRCH;
        bad += site_back(SYS_gettid, 0) != tid;
    }
    stop = 1;
    setitimer(ITIMER_REAL, &never, NULL);
    pthread_join(t, NULL);
    is_eq(strange, 0);
    is_eq(half, 0);
    is_eq(bad, 0);
    done();
}
