/*
 * signal(7): the mask belongs to a thread; clone, fork and execve pass it on, sigreturn takes it
 * from the frame, pselect and sigsuspend put it back. Others read it in /proc.
 */
#include "sig.h"
#include <pthread.h>
#include <sys/select.h>

#define ME "mask_kept"

static volatile pid_t tid;
static volatile int stop;
static volatile unsigned long in_handler;

static unsigned long mask_now(void)
{
    unsigned long set = 0;

    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, 8);
    return set;
}

/* Often enough that however the calls are made fast, they are by now. */
static void set_mask(unsigned long set)
{
    for (int i = 0; i < 100; i++) {
        unsigned long other = set ^ 1UL << (SIGUSR2 - 1);
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &other, NULL, 8);
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8);
    }
}

static unsigned long mask_in_proc(pid_t of)
{
    unsigned long set = ~0UL;
    char path[64], line[256];

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", of);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "SigBlk: %lx", &set);
    if (f)
        fclose(f);
    return set;
}

static void *spin(void *arg)
{
    *(unsigned long *)arg = mask_now();
    set_mask(0x4000);
    tid = gettid();
    while (!stop)
        ;
    return NULL;
}

static void handler(int sig, siginfo_t *info, void *uc)
{
    (void)sig;
    (void)info;
    in_handler = mask_now();
    if (uc && stop == 2)
        *(unsigned long *)&((ucontext_t *)uc)->uc_sigmask = 0x8000;
}

static void child(void)
{
    check(mask_now() == 0x8200, 1);
    set_mask(0);
    check(mask_now() == 0, 2);
}

int main(int argc, char **argv)
{
    const struct timespec soon = {.tv_nsec = 1000000};
    unsigned long inherited = 0;
    pthread_t t;

    if (argc > 1) {
        check(mask_now() == 0x8200, 1);
        check(mask_in_proc(getpid()) == 0x8200, 2);
        exit(0);
    }
    set_mask(0x8200);
    is_eq(mask_now(), 0x8200);
    is_eq(mask_in_proc(getpid()), 0x8200);
    is_eq(in_child(child), 0);
    is_eq(mask_now(), 0x8200);

    pthread_create(&t, NULL, spin, &inherited);
    while (!tid)
        nap_ms(1);
    is_eq(inherited, 0x8200);
    is_eq(mask_in_proc(tid), 0x4000);
    stop = 1;
    pthread_join(t, NULL);
    is_eq(mask_now(), 0x8200);

    install(SIGUSR1, handler, 0);
    kill(getpid(), SIGUSR1); /* blocked */
    is_eq(in_handler, 0);
    sigset_t none = set_of(0);
    is_errno(pselect(0, NULL, NULL, NULL, &soon, &none), EINTR);
    is_eq(in_handler, 1UL << (SIGUSR1 - 1));
    is_eq(mask_now(), 0x8200);
    is_eq(pselect(0, NULL, NULL, NULL, &soon, &none), 0);
    is_eq(mask_now(), 0x8200);
    raise(SIGUSR1);
    is_errno(sigsuspend(&none), EINTR);
    is_eq(mask_now(), 0x8200);

    set_mask(0);
    stop = 2;
    raise(SIGUSR1);
    is_eq(mask_now(), 0x8000);

    set_mask(0x8200);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", ME, "again", NULL);
        _exit(9);
    }
    int status;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    (void)argv;
    done();
}
