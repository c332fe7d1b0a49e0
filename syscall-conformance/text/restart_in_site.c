/* An interrupted call is made again by the same instruction, or fails there with EINTR. */
#include "text.h"
#include <sys/time.h>

static int p[2];
static volatile const char *at;

static void feed(int sig, siginfo_t *info, void *context)
{
    at = (const char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    hits++;
    if (write(p[1], "x", 1) != 1)
        abort();
}

static long read_byte(void)
{
    char c;
    long ret;
    register long rdx __asm__("rdx") = 1;

    __asm__ volatile("call site_back3"
                     : "=a"(ret)
                     : "D"((long)p[0]), "S"(&c), "r"(rdx), "a"(0L)
                     : "rcx", "r11", "memory");
    return ret;
}
__asm__(".pushsection .text\n"
        ".skip 128, 0x90\n"
        "site_back3:\n"
        "  syscall\n"
        "site_back3_after: cmp $-4095, %rax\n"
        "  ret\n"
        ".skip 128, 0x90\n"
        ".popsection\n");
extern const char site_back3_after[];

static void in_us(int us)
{
    struct itimerval it = {{0, 0}, {0, us}};

    setitimer(ITIMER_REAL, &it, NULL);
}

int main(void)
{
    int bad = 0;

    if (pipe(p))
        return 2;
    for (int i = 0; i < WARM; i++)
        bad += write(p[1], "x", 1) != 1 || read_byte() != 1;
    is_eq(bad, 0);
    install(SIGALRM, feed, SA_RESTART);
    for (int i = 0; i < 5; i++) {
        in_us(3000);
        bad += read_byte() != 1;
    }
    is_eq(bad, 0);
    is_eq(hits, 5);
    ok(at + 2 == site_back3_after, "the handler sees the instruction that makes the call again");
    install(SIGALRM, feed, 0);
    in_us(3000);
    is_eq(read_byte(), -EINTR);
    ok(at == site_back3_after, "the handler sees where an interrupted call has returned to");
    done();
}
