/*
 * madvise(2): MADV_GUARD_INSTALL makes accesses fault, also after MADV_DONTNEED and in a forked
 * child; MADV_GUARD_REMOVE ends it, and the pages are empty.
 */
#include "../process/child.h"
#include <setjmp.h>

#define GUARD_INSTALL 102
#define GUARD_REMOVE 103

static sigjmp_buf back;
static int code;

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
    code = info->si_code;
    siglongjmp(back, 1);
}

static int faults(volatile char *p)
{
    if (sigsetjmp(back, 1))
        return 1;
    (void)*p;
    return 0;
}

static char *guarded;

static void child(void)
{
    check(faults(guarded + 4096), 1);
    check(!faults(guarded), 2);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    sigaction(SIGSEGV, &sa, NULL);
    memset(p, 1, 3 * 4096);
    guarded = p;
    is_eq(madvise(p + 4096, 4096, GUARD_INSTALL), 0);
    ok(!faults(p) && !faults(p + 8192), "those beside are as they were");
    ok(faults(p + 4096), "a guard page faults");
    is_eq(code, SEGV_MAPERR);
    is_eq(madvise(p, 3 * 4096, MADV_DONTNEED), 0);
    ok(faults(p + 4096), "after MADV_DONTNEED, too");
    ok(exited_with(in_child(child), 0), "and in a child");
    is_errno(pwrite(memfd_create("x", 0), p + 4096, 1, 0), EFAULT);
    is_errno(madvise(p, 3 * 4096, MADV_POPULATE_WRITE), EFAULT);
    is_eq(madvise(p, 3 * 4096, GUARD_REMOVE), 0);
    ok(!faults(p + 4096) && !p[4096], "then it is an empty page");
    is_eq(madvise(p, 3 * 4096, MADV_WIPEONFORK), 0);
    is_eq(madvise(p, 4096, GUARD_INSTALL), 0);
    ok(faults(p), "again");
    done();
}
