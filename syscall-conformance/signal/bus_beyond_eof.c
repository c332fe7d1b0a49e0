/* mmap(2): access to a page wholly beyond the end of the file raises SIGBUS, BUS_ADRERR. */
#include "sig.h"

static sigjmp_buf env;

static void on_fault(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    siglongjmp(env, 1);
}

int main(void)
{
    enter_scratch();
    put_file("f", "abc", 3, 0600);
    int fd = open("f", O_RDWR);
    volatile char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    install(SIGBUS, on_fault, 0);
    is_eq(p[0], 'a');
    is_eq(p[4095], 0);
    if (!sigsetjmp(env, 1))
        (void)p[4096 + 5];
    is_eq(last_sig, SIGBUS);
    is_eq(last_info.si_code, BUS_ADRERR);
    ok(last_info.si_addr == p + 4096 + 5, "si_addr");
    ok(ftruncate(fd, 4097) == 0, "file grown");
    is_eq(p[4096], 0);
    done();
}
