/* mmap(2): thousands of separate mappings work, and neighbours of equal kind can be unmapped at
 * once. */
#include "../process/child.h"

int main(void)
{
    enum { COUNT = 4000 };
    static char *maps[COUNT];
    bool good = true;

    for (int i = 0; i < COUNT; i++) {
        int prot = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
        maps[i] = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        good &= maps[i] != MAP_FAILED;
        if (i % 2 == 0)
            maps[i][0] = i;
    }
    ok(good, "mapped");
    for (int i = 0; i < COUNT; i += 2)
        good &= maps[i][0] == (char)i && maps[i + 1][0] == 0;
    ok(good, "contents");
    for (int i = 0; i < COUNT; i++)
        good &= munmap(maps[i], 4096) == 0;
    ok(good, "unmapped");
    done();
}
