/* mmap(2) MAP_GROWSDOWN: touching the page below the mapping extends it downwards. */
#include "../process/child.h"

int main(void)
{
    size_t room = 1 << 23;
    char *area = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *top = area + room - 8192;

    munmap(area, room);
    volatile char *p = mmap(top, 8192, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    ok(p == top, "mapped");
    for (int i = 0; i < 50; i++)
        p[-i * 4096] = i;
    bool same = true;
    for (int i = 0; i < 50; i++)
        same &= p[-i * 4096] == i;
    ok(same, "grown page by page");
    done();
}
