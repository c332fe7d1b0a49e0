/* proc(5): /proc/PID/maps lists every mapping in address order with its permissions. */
#include "child.h"
#include <inttypes.h>

static bool find(uint64_t addr, char *perms, uint64_t *len, bool *ordered)
{
    FILE *f = fopen("/proc/self/maps", "re");
    uint64_t lo, hi, last = 0;
    char line[4352], mode[5];
    bool found = false;

    *ordered = true;
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &lo, &hi, mode) != 3)
            break;
        *ordered &= lo >= last && hi > lo;
        last = hi;
        if (addr >= lo && addr < hi) {
            strcpy(perms, mode);
            *len = hi - lo;
            found = true;
        }
    }
    if (f)
        fclose(f);
    return found;
}

int main(void)
{
    char perms[5] = "", *p = mmap(NULL, 5 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t len = 0;
    bool ordered = false;

    mprotect(p + 4096, 4096, PROT_READ);
    mprotect(p + 3 * 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    ok(find((uintptr_t)p + 4096, perms, &len, &ordered), "found");
    ok(!strcmp(perms, "r--p"), "read only");
    is_eq(len, 4096);
    ok(ordered, "ordered");
    ok(find((uintptr_t)p + 2 * 4096, perms, &len, &ordered) && !strcmp(perms, "---p"), "none");
    ok(find((uintptr_t)p + 3 * 4096, perms, &len, &ordered) && !strcmp(perms, "rwxp"), "all");
    munmap(p + 4096, 4096);
    ok(!find((uintptr_t)p + 4096, perms, &len, &ordered), "unmapped");
    char *s = shared_page();
    ok(find((uintptr_t)s, perms, &len, &ordered) && !strcmp(perms, "rw-s"), "shared");
    ok(find((uintptr_t)&len, perms, &len, &ordered) && !strncmp(perms, "rw", 2), "stack");
    done();
}
