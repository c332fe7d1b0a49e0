/* sigaction(2): SIGSEGV has SEGV_MAPERR for unmapped, SEGV_ACCERR for protected memory, and
 * si_addr. */
#include "sig.h"

static sigjmp_buf env;

static void on_fault(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    siglongjmp(env, 1);
}

#define FAULT(access)                                                                              \
    do {                                                                                           \
        if (!sigsetjmp(env, 1))                                                                    \
            (void)(access);                                                                        \
    } while (0)

int main(void)
{
    volatile char *p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    munmap((char *)p + 8192, 4096);
    mprotect((char *)p + 4096, 4096, PROT_NONE);
    install(SIGSEGV, on_fault, 0);
    FAULT(p[10] = 1);
    ok(hits == 1 && last_info.si_code == SEGV_ACCERR, "write to read-only memory");
    ok(last_info.si_addr == p + 10, "si_addr");
    FAULT((void)p[4096 + 7]);
    ok(hits == 2 && last_info.si_code == SEGV_ACCERR, "read of PROT_NONE");
    ok(last_info.si_addr == p + 4096 + 7, "si_addr");
    FAULT((void)p[8192 + 99]);
    ok(hits == 3 && last_info.si_code == SEGV_MAPERR, "read of unmapped memory");
    ok(last_info.si_addr == p + 8192 + 99, "si_addr");
    FAULT(((void (*)(void))p)());
    ok(hits == 4 && last_info.si_code == SEGV_ACCERR, "execution of data");
    ok(last_info.si_addr == p, "si_addr");
    FAULT((void)*(volatile char *)(1UL << 63));
    is_eq(last_info.si_code, SI_KERNEL);
    ok(last_info.si_addr == NULL, "a non-canonical address is not reported");
    is_eq(last_sig, SIGSEGV);
    done();
}
