/* System call instructions of all kinds from places nobody expects, and numbers that do not exist.
 */
#include "guest.h"

static const unsigned char stub_code[] = {0x0f, 0x05, 0xc3}; /* syscall; ret */

static void from_page(int kind)
{
    unsigned char *p, on_stack[8192];

    if (kind == 0) { /* a JIT page: written, then made executable */
        p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(p, stub_code, 3);
        CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
    } else if (kind == 1) { /* the heap, writable and executable */
        p = (unsigned char *)(((uintptr_t)sbrk(8192) + 4095) & ~4095UL);
        CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
        memcpy(p, stub_code, 3);
    } else if (kind == 2) { /* the stack */
        p = (unsigned char *)(((uintptr_t)on_stack + 4095) & ~4095UL);
        CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
        memcpy(p, stub_code, 3);
        __asm__ volatile("" ::"r"(p) : "memory");
    } else { /* across two pages */
        p = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0);
        p += 4095;
        memcpy(p, stub_code, 3);
    }
    CHECK(call_at((uintptr_t)p, SYS_getpid, 0, 0, 0, 0, 0, 0) == getpid());
    CHECK(call_at((uintptr_t)p, 0x40000000 | SYS_getpid, 0, 0, 0, 0, 0, 0) == -ENOSYS);
}

static long raw(unsigned long nr)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(0L), "S"(0L), "d"(0L)
                     : "rcx", "r11", "memory");
    return ret;
}

static long int80(unsigned long nr)
{
    long ret;

    __asm__ volatile("int $0x80"
                     : "=a"(ret)
                     : "a"(nr), "b"(0L), "c"(0L), "d"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return ret;
}

static void numbers(void)
{
    static const unsigned long bad[] = {~0UL,         0xffffffffUL, 0x80000000UL, 0x7fffffffUL,
                                        1000,         512,          547,          471,
                                        0x40000200UL, 0x40000000UL, 0xc0000027};

    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (raw(bad[i]) != -ENOSYS)
            FAIL("number %#lx gives %ld", bad[i], raw(bad[i]));
    /* Linux looks at the low half only. */
    CHECK(raw(0xdeadbeef00000000UL | SYS_getpid) == getpid());
    /* The 32-bit entry: never the host's own answer to 20, getpid. */
    CHECK(int80(20) == -ENOSYS);
    CHECK(int80(1) == -ENOSYS);
    CHECK(int80(~0UL) == -ENOSYS);
}

static void vsyscall(long i)
{
    long (*f)(void *, void *) =
        (long (*)(void *, void *))(0xffffffffff600000UL + (uint64_t)i * 0x400);
    static char buf[64];

    f(buf, buf);
}

static void odd_entry(long kind)
{
    switch (kind) {
    case 0:
        __asm__ volatile("sysenter" ::: "memory");
        break;
    case 1:
        __asm__ volatile("mov %%rsp, %%rbp; mov $1, %%eax; sysenter" ::: "memory", "rax");
        break;
    case 2: /* 32-bit code: int 0x80, sysenter and syscall from there */
    case 3:
    case 4: {
        unsigned char *p = mmap((void *)0x20000000, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        static const unsigned char tail[3][2] = {{0xcd, 0x80}, {0x0f, 0x34}, {0x0f, 0x05}};
        unsigned char code[] = {0xb8, 20,  0, 0, 0, tail[kind - 2][0], tail[kind - 2][1],
                                0xeb, 0xf7};
        memcpy(p, code, sizeof(code));
        __asm__ volatile("mov $0x20001ff0, %%esp\n"
                         "push $0x23\n"
                         "push $0x20000000\n"
                         "lretq\n" ::
                             : "memory");
        break;
    }
    case 5:
        __asm__ volatile("mov $0x2b, %%ax; mov %%ax, %%ds; mov %%ax, %%es; mov %%ax, %%fs; "
                         "mov %%ax, %%gs; mov $39, %%eax; syscall" ::
                             : "memory", "rax", "rcx", "r11");
        _exit(3);
    case 6: /* no stack at all */
        __asm__ volatile(
            "xor %%esp, %%esp; mov $39, %%eax; syscall; mov $60, %%eax; mov $4, %%edi; "
            "syscall" ::
                : "memory");
        break;
    case 7: /* stack pointer in the kernel's half */
        __asm__ volatile("mov $-4096, %%rsp; mov $39, %%eax; syscall; mov $60, %%eax; mov $4, "
                         "%%edi; syscall" ::
                             : "memory");
        break;
    case 8: /* direction, alignment check and trace flags set */
        __asm__ volatile("pushfq; orq $0x40500, (%%rsp); popfq; mov $39, %%eax; syscall; mov $60, "
                         "%%eax; mov $4, %%edi; syscall" ::
                             : "memory", "rax", "rdi", "rcx", "r11");
        break;
    }
}

static void privileged(long kind)
{
    switch (kind) {
    case 0:
        __asm__ volatile("hlt");
        break;
    case 1:
        __asm__ volatile("cli");
        break;
    case 2:
        __asm__ volatile("in $0x60, %%al" ::: "rax");
        break;
    case 3:
        __asm__ volatile("mov %%cr0, %%rax" ::: "rax");
        break;
    case 4:
        __asm__ volatile("mov $0x10, %%ecx; rdmsr" ::: "rax", "rcx", "rdx");
        break;
    case 5:
        __asm__ volatile("mov %%rax, %%dr7" ::: "rax");
        break;
    case 6:
        __asm__ volatile("int3");
        break;
    case 7:
        __asm__ volatile(".byte 0xf1");
        break;
    case 8:
        __asm__ volatile("ud2");
        break;
    case 9:
        __asm__ volatile("int $0x2d");
        break;
    case 10:
        __asm__ volatile("int $0xff");
        break;
    case 11:
        __asm__ volatile("xor %%ecx, %%ecx; xgetbv; xsetbv" ::: "rax", "rcx", "rdx");
        break;
    case 12:
        __asm__ volatile("div %%ecx" ::"a"(1), "c"(0), "d"(0));
        break;
    case 13:
        *(volatile int *)0xffff800000000000UL = 1;
        break;
    case 14:
        *(volatile int *)0x8000000000000000UL = 1;
        break;
    case 15:
        __asm__ volatile("jmp *%0" ::"r"(0xffffffff81000000UL));
        break;
    case 16:
        __asm__ volatile("jmp *%0" ::"r"(0x800000000000UL));
        break;
    case 17:
        __asm__ volatile("swapgs");
        break;
    case 18:
        __asm__ volatile("iretq");
        break;
    case 19:
        __asm__ volatile("wrfsbase %0" ::"r"(STUB_SLOTS));
        raw(SYS_getpid);
        raw(SYS_gettid);
        break;
    case 20:
        __asm__ volatile("wrgsbase %0" ::"r"(STUB_SLOTS));
        raw(SYS_getpid);
        break;
    }
    raw(SYS_exit_group);
}

int main(void)
{
    for (int kind = 0; kind < 4; kind++)
        from_page(kind);
    numbers();
    for (long i = 0; i < 4; i++)
        attempt(vsyscall, i, 1000);
    for (long i = 0; i <= 8; i++)
        attempt(odd_entry, i, 300);
    for (long i = 0; i <= 20; i++) {
        int s = attempt(privileged, i, 1000);
        if (i < 19 && !WIFSIGNALED(s))
            FAIL("instruction %ld ends with status %#x", i, s);
    }
    return finish();
}
