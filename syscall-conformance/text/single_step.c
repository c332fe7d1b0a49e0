/* The trap flag stops a program behind each of its own instructions, also around calls. */
#include "text.h"

#define STEPS 64
#define TF 0x100

static volatile uintptr_t ips[STEPS];
static volatile int nsteps;

static void step(int sig, siginfo_t *info, void *context)
{
    if (nsteps < STEPS)
        ips[nsteps++] = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

static long stepped(void *fn, long a, long b)
{
    long ret;

    nsteps = 0;
    __asm__ volatile("pushf\n"
                     "orl $0x100, (%%rsp)\n"
                     "popf\n"
                     "call *%1\n"
                     "pushf\n"
                     "andl $~0x100, (%%rsp)\n"
                     "popf\n"
                     : "=a"(ret), "+r"(fn), "+D"(a), "+S"(b)
                     :
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    return ret;
}

static int stops_at(const char *p)
{
    int n = 0;

    for (int i = 0; i < nsteps; i++)
        n += ips[i] == (uintptr_t)p;
    return n;
}

static int stops_outside(void)
{
    int n = 0;

    for (int i = 0; i < nsteps; i++)
        n += ips[i] < (uintptr_t)program_start || ips[i] >= (uintptr_t)etext;
    return n;
}

int main(void)
{
    int bad = 0;

    for (int i = 0; i < WARM; i++)
        bad += site_front(-1) != -ESRCH || site_back(SYS_getsid, -1) != -ESRCH;
    is_eq(bad, 0);
    install(SIGTRAP, step, 0);
    for (int round = 0; round < 2; round++) {
        is_eq(stepped(site_front, -1, 0), -ESRCH);
        is_eq(stops_at(site_front_at), 1);
        is_eq(stops_at(site_front_at + 5), 1);
        is_eq(stops_outside(), 0);
        is_eq(stepped(site_back, SYS_getsid, -1), -ESRCH);
        is_eq(stops_at(site_back_at), 1);
        is_eq(stops_at(site_back_ret), 1);
        is_eq(stops_outside(), 0);
    }
    is_eq(site_front(-1), -ESRCH);
    is_eq(site_back(SYS_getsid, -1), -ESRCH);
    done();
}
