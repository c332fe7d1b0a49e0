/* sigaction(2): a SIGSEGV handler may repair the mapping; the instruction is executed again. */
#include "sig.h"

static char *page;

static void on_segv(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

int main(void)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    install(SIGSEGV, on_segv, 0);
    for (int i = 0; i < 20; i++) {
        mprotect(page, 4096, i % 2 ? PROT_NONE : PROT_READ);
        *(volatile char *)page = i;
    }
    is_eq(hits, 20);
    is_eq(page[0], 19);
    done();
}
