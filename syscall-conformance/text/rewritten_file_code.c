/* A private mapping of code is the file's bytes until the program itself changes them. */
#include "text.h"

static void keeps_bytes(enum code_form form)
{
    unsigned char want[CODE_SIZE];
    int fd = code_file("code", form, SYS_getpid, 5);
    unsigned char *p = map_code(fd, NULL, PROT_READ | PROT_EXEC);
    int bad = 0;

    put_code(want, form, SYS_getpid, 5);
    is_eq(wrong(p, SYS_getpid, WARM, getpid() + 5), 0);
    is_eq(mprotect(p, 4096, PROT_READ | PROT_WRITE), 0);
    ok(!memcmp(p, want, sizeof(want)), "made writable, it is as in the file");
    for (int i = 0; i < 5; i++) {
        put_code(p, (form + i) % 2 ? FRONT : BACK, SYS_getppid, i);
        bad += mprotect(p, 4096, PROT_READ | PROT_EXEC) != 0;
        bad += wrong(p, SYS_getppid, WARM, getppid() + i);
        bad += mprotect(p, 4096, PROT_READ | PROT_WRITE) != 0;
    }
    is_eq(bad, 0);
    is_eq(pread(fd, want, sizeof(want), 4096), (long)sizeof(want));
    put_code(p, form, SYS_getpid, 5);
    ok(!memcmp(p, want, sizeof(want)), "the file has kept its bytes");
    munmap(p, 4096);
    close(fd);
}

/* Moved code runs in its new place. */
static void moves(enum code_form form)
{
    int fd = code_file("code", form, SYS_getpid, 9);
    unsigned char *p = map_code(fd, NULL, PROT_READ | PROT_EXEC);
    unsigned char *far = mmap((void *)0x10000000000, 4096, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    is_eq(wrong(p, SYS_getpid, WARM, getpid() + 9), 0);
    ok(mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, far) == far, "moved");
    is_eq(wrong(far, SYS_getpid, WARM, getpid() + 9), 0);
    munmap(far, 4096);
    close(fd);
}

int main(void)
{
    enter_scratch();
    keeps_bytes(FRONT);
    keeps_bytes(BACK);
    moves(FRONT);
    moves(BACK);
    done();
}
