/* Calls across pages, at the end of a mapping, and in front of code that knows its address. */
#include "text.h"

#define FILE_SIZE 12288

static unsigned char *mapped(const unsigned char *bytes, size_t n, size_t at, size_t *len)
{
    static unsigned char content[FILE_SIZE];
    int fd = open("code", O_RDWR | O_CREAT | O_TRUNC, 0700);

    memset(content, 0x90, sizeof(content));
    memcpy(content + at, bytes, n);
    if (write(fd, content, sizeof(content)) != sizeof(content))
        perror("code");
    unsigned char *p = mmap(NULL, *len, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    close(fd);
    return p;
}

static int calls(const unsigned char *bytes, size_t n, size_t at, size_t len, long want)
{
    unsigned char *p = mapped(bytes, n, at, &len);
    code_fn fn = (code_fn)((uintptr_t)p + at);
    int bad = 0;

    for (int i = 0; i < WARM; i++)
        bad += fn(SYS_getpid) != want;
    munmap(p, len);
    return bad;
}

int main(void)
{
    const unsigned char front[] = {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3};
    const unsigned char back[] = {0x89, 0xf8, 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff, 0xc3};
    const unsigned char bare[] = {0x89, 0xf8, 0x0f, 0x05, 0xc3};
    /* syscall; add 3(%rip),%rax; ret; nop; nop; .quad 100: what is added lies beside it */
    const unsigned char relative[] = {0x89, 0xf8, 0x0f, 0x05, 0x48, 0x03, 0x05, 3, 0, 0, 0,
                                      0xc3, 0x90, 0x90, 100,  0,    0,    0,    0, 0, 0, 0};
    /* syscall; call 1f; 1: pop %rcx; ret: the address that is pushed is the program's own */
    const unsigned char call[] = {0x89, 0xf8, 0x0f, 0x05, 0xe8, 0, 0, 0, 0, 0x59, 0xc3};
    int front_bad = 0, back_bad = 0;

    enter_scratch();
    for (size_t back_by = 1; back_by < 8; back_by++) {
        front_bad += calls(front, sizeof(front), 4096 - back_by, FILE_SIZE, getpid());
        back_bad += calls(back, sizeof(back), 4096 - back_by, FILE_SIZE, getpid());
    }
    is_eq(front_bad, 0);
    is_eq(back_bad, 0);
    is_eq(calls(front, sizeof(front), 4096 - sizeof(front), 4096, getpid()), 0);
    is_eq(calls(back, sizeof(back), 4096 - sizeof(back), 4096, getpid()), 0);
    is_eq(calls(bare, sizeof(bare), 4096 - sizeof(bare), 4096, getpid()), 0);
    is_eq(calls(front, sizeof(front), 0, 4096, getpid()), 0);
    is_eq(calls(relative, sizeof(relative), 512, 4096, getpid() + 100), 0);
    is_eq(calls(call, sizeof(call), 512, 4096, getpid()), 0);
    done();
}
