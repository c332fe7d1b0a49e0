/* Code that a program generates, and generates anew in the same place, does what is written. */
#include "text.h"

static int rounds(unsigned char *at, int flips)
{
    int bad = 0;

    for (int i = 0; i < 20; i++) {
        enum code_form form = i % 2 ? FRONT : BACK;
        if (flips)
            bad += mprotect(at, 4096, PROT_READ | PROT_WRITE) != 0;
        put_code(at, form, SYS_getpid, i);
        if (flips)
            bad += mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0;
        bad += wrong(at, SYS_getpid, WARM / 2, getpid() + i);
        if (form == BACK)
            bad += wrong(at, SYS_getppid, 4, getppid() + i);
    }
    return bad;
}

int main(void)
{
    unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    is_eq(rounds(p, 1), 0);
    unsigned char *rwx =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    is_eq(rounds(rwx, 0), 0);
    /* The same memory twice: written here, run there. */
    int fd = memfd_create("code", MFD_CLOEXEC);
    is_eq(ftruncate(fd, 4096), 0);
    unsigned char *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    int bad = 0;
    for (int i = 0; i < 20; i++) {
        put_code(w, i % 2 ? FRONT : BACK, SYS_getpid, i);
        bad += wrong(x, SYS_getpid, WARM / 2, getpid() + i);
    }
    is_eq(bad, 0);
    done();
}
