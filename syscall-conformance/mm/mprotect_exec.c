/* mprotect(2): memory made executable runs the code written to it, and may be rewritten. */
#include "../process/child.h"

int main(void)
{
    unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov $1, %eax; ret */
    unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memcpy(p, code, sizeof(code));
    is_eq(mprotect(p, 4096, PROT_READ | PROT_EXEC), 0);
    is_eq(((int (*)(void))p)(), 1);
    mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 2; i < 5; i++) {
        p[1] = i;
        ok(((int (*)(void))p)() == i, "rewritten to %d", i);
    }
    done();
}
