/* syscall changes rax, rcx and r11: the address behind it and the flags; nothing else. */
#include "text.h"

struct regs {
    uint64_t bx, bp, dx, si, di, r8, r9, r10, r12, r13, r14, r15, cx, r11, flags, sp, before;
};

/* rdi: struct regs to fill; the call is getpgid(rdi's low half in r15): an argument is kept too. */
void dump(struct regs *out);
extern const char dump_after[];
__asm__(".pushsection .text\n"
        ".skip 128, 0x90\n"
        "dump:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  sub $256, %rsp\n"
        "  mov %rdi, (%rsp)\n"
        "  mov %rsp, 128(%rdi)\n"
        "  mov $1, %ebx; mov $2, %ebp; mov $3, %edx; mov $4, %esi; mov $-1, %rdi\n"
        "  mov $6, %r8d; mov $7, %r9d; mov $8, %r10d; mov $9, %r12d; mov $10, %r13d\n"
        "  mov $11, %r14d; mov $12, %r15d\n"
        "  movq %rbx, %xmm7\n"
        "  mov $0x1122334455667788, %rax\n"
        "  mov %rax, -8(%rsp)\n" /* the red zone */
        "  mov %rax, -128(%rsp)\n"
        "  stc\n"
        "  mov $121, %eax\n"
        "  syscall\n"
        "dump_after:\n"
        "  xchg %rsp, %rax\n" /* keeps the flags, spares the red zone */
        "  xchg %rsp, %rax\n"
        "  mov (%rsp), %rax\n"
        "  mov %rsp, 120(%rax)\n"
        "  mov %rbx, (%rax); mov %rbp, 8(%rax); mov %rdx, 16(%rax); mov %rsi, 24(%rax)\n"
        "  mov %rdi, 32(%rax); mov %r8, 40(%rax); mov %r9, 48(%rax); mov %r10, 56(%rax)\n"
        "  mov %r12, 64(%rax); mov %r13, 72(%rax); mov %r14, 80(%rax); mov %r15, 88(%rax)\n"
        "  mov %rcx, 96(%rax); mov %r11, 104(%rax)\n"
        "  mov -8(%rsp), %rcx\n"
        "  mov -128(%rsp), %rdx\n"
        "  lea -128(%rsp), %rsp\n"
        "  pushf\n"
        "  pop %rsi\n"
        "  mov %rsi, 112(%rax)\n"
        "  lea 128(%rsp), %rsp\n"
        "  mov $0x1122334455667788, %rsi\n"
        "  sub %rsi, %rcx\n"
        "  sub %rsi, %rdx\n"
        "  or %rcx, %rdx\n"
        "  movq %xmm7, %rsi\n"
        "  dec %rsi\n"
        "  or %rsi, %rdx\n"
        "  add %rdx, (%rax)\n" /* shows up as a wrong rbx */
        "  add $256, %rsp\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n"
        ".skip 128, 0x90\n"
        ".popsection\n");

static int differs(const struct regs *r)
{
    return r->bx != 1 || r->bp != 2 || r->dx != 3 || r->si != 4 || r->di != -1UL || r->r8 != 6 ||
           r->r9 != 7 || r->r10 != 8 || r->r12 != 9 || r->r13 != 10 || r->r14 != 11 ||
           r->r15 != 12 || r->sp != r->before;
}

int main(void)
{
    int kept = 0, cx = 0, flags = 0;
    struct regs r;

    for (int i = 0; i < 2 * WARM; i++) {
        dump(&r);
        kept += !differs(&r);
        cx += r.cx == (uint64_t)dump_after;
        flags += (r.flags & 0xcd5) == (r.r11 & 0xcd5) && r.flags & 1;
    }
    is_eq(kept, 2 * WARM);
    is_eq(cx, 2 * WARM);
    is_eq(flags, 2 * WARM);
    done();
}
