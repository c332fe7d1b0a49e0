/* A branch may lead to what follows a call, or to the call itself behind its number. */
#include "text.h"

/* (n): makes n calls by going round through the second instruction; the sum of results. */
long around(long n);
/* Enters behind the call with a value of its own, if it is not negative. */
long beside(long value, long nr);
/* The number comes from the caller, who jumps over the load of another. */
long other_number(long nr, long a);
__asm__(".pushsection .text\n"
        ".skip 128, 0x90\n"
        "around:\n"
        "  mov %rdi, %r8\n"
        "  xor %r9d, %r9d\n"
        "  mov $-1, %rdi\n"
        "  mov $124, %eax\n"
        "  syscall\n"
        "1: add %rax, %r9\n"
        "  dec %r8\n"
        "  mov $-5, %rax\n"
        "  test %r8, %r8\n"
        "  jnz 1b\n"
        "  mov %r9, %rax\n"
        "  ret\n"
        ".skip 128, 0x90\n"
        "beside:\n"
        "  mov %rdi, %rax\n"
        "  test %rax, %rax\n"
        "  jns 2f\n"
        "  mov %rax, %rdi\n"
        "  mov %esi, %eax\n"
        "  syscall\n"
        "2: add $7, %rax\n"
        "  ret\n"
        ".skip 128, 0x90\n"
        "other_number:\n"
        "  mov %edi, %eax\n"
        "  mov %rsi, %rdi\n"
        "  test %eax, %eax\n"
        "  jnz 3f\n"
        "  mov $121, %eax\n"
        "3: syscall\n"
        "  ret\n"
        ".skip 128, 0x90\n"
        ".popsection\n");

int main(void)
{
    int bad = 0;

    for (int i = 1; i <= 2 * WARM; i++) {
        bad += around(i) != -ESRCH - 5L * (i - 1);
        bad += beside(-1, SYS_getsid) != -ESRCH + 7;
        bad += beside(i, 0) != i + 7;
        bad += other_number(0, -1) != -ESRCH;
        bad += other_number(SYS_getpid, 0) != getpid();
    }
    is_eq(bad, 0);
    done();
}
