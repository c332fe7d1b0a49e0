/*
 * Code that makes system calls, at known places. A sandbox may change such code behind the
 * program's back; the programs here look for traces of that.
 */
#ifndef CONFORMANCE_TEXT_H
#define CONFORMANCE_TEXT_H

#include "../signal/sig.h"
#include <pthread.h>

#define WARM 64 /* calls after which a site that is going to be treated specially has been */

/* mov $getpgid,%eax; syscall; ret */
long site_front(long pid);
/* syscall with any number; compares the result as libraries do */
long site_back(long nr, long a);
extern const char site_front_at[], site_front_after[], site_front_end[];
extern const char site_back_at[], site_back_after[], site_back_ret[], site_back_end[];
extern const char program_start[] __asm__("__executable_start"), etext[];

__asm__(".pushsection .text\n"
        ".skip 128, 0x90\n"
        ".globl site_front, site_back\n"
        "site_front:\n"
        "site_front_at: mov $121, %eax\n"
        "  syscall\n"
        "site_front_after: ret\n"
        "site_front_end:\n"
        ".skip 128, 0x90\n"
        "site_back:\n"
        "  mov %rdi, %rax\n"
        "  mov %rsi, %rdi\n"
        "site_back_at: syscall\n"
        "site_back_after: cmp $-4095, %rax\n"
        "site_back_ret: ret\n"
        "site_back_end:\n"
        ".skip 128, 0x90\n"
        ".popsection\n");

/* A function in bytes: (nr) -> result of the call plus add. It lies at CODE_AT of what is filled.
 */
#define CODE_AT 128
#define CODE_SIZE 512
typedef long (*code_fn)(long nr);

enum code_form { FRONT, BACK };

UNUSED_FN static void put_code(unsigned char *to, enum code_form form, int nr, int add)
{
    const unsigned char front[] = {0xb8, nr, 0, 0, 0, 0x0f, 0x05, 0x48, 0x83, 0xc0, add, 0xc3};
    const unsigned char back[] = {0x89, 0xf8, 0x31, 0xff, 0x0f, 0x05, 0x48, 0x83, 0xc0, add, 0xc3};

    memset(to, 0x90, CODE_SIZE);
    if (form == FRONT)
        memcpy(to + CODE_AT, front, sizeof(front));
    else
        memcpy(to + CODE_AT, back, sizeof(back));
}

/* A file with this function in its second page, which is where it is to be mapped from. */
UNUSED_FN static int code_file(const char *name, enum code_form form, int nr, int add)
{
    unsigned char page[4096];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

    memset(page, 0x90, sizeof(page));
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            put_code(page, form, nr, add);
        else
            memset(page, 0x90, sizeof(page));
        if (write(fd, page, sizeof(page)) != sizeof(page))
            perror(name);
    }
    return fd;
}

UNUSED_FN static unsigned char *map_code(int fd, void *at, int prot)
{
    return mmap(at, 4096, prot, MAP_PRIVATE | (at ? MAP_FIXED : 0), fd, 4096);
}

/* How many of n calls did not return want. */
UNUSED_FN static int wrong(const void *code, long nr, int n, long want)
{
    code_fn fn = (code_fn)((uintptr_t)code + CODE_AT);
    int bad = 0;

    for (int i = 0; i < n; i++)
        bad += fn(nr) != want;
    return bad;
}

#endif
