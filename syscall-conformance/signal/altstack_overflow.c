/* sigaltstack(2): a handler on the alternate stack can handle the overflow of the ordinary one. */
#include "sig.h"
#include <sys/resource.h>

static char alt[65536];

static void on_segv(int sig, siginfo_t *info, void *uc)
{
    (void)uc;
    _exit(sig == SIGSEGV && info->si_code == SEGV_MAPERR ? 9 : 10);
}

static int recurse(volatile char *p)
{
    volatile char page[4096];

    page[0] = p[0];
    if (page[0])
        return 0;
    return recurse(page) + page[0];
}

static void child(void)
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
    struct rlimit lim = {1 << 20, 1 << 20};
    volatile char start[1] = {0};

    setrlimit(RLIMIT_STACK, &lim);
    sigaltstack(&ss, NULL);
    install(SIGSEGV, on_segv, SA_ONSTACK);
    _exit(recurse(start));
}

int main(void)
{
    ok(exited_with(in_child(child), 9), "handled on the alternate stack");
    done();
}
