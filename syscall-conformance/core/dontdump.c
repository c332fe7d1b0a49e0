/* madvise(2): MADV_DONTDUMP marks an area (dd in smaps), MADV_DODUMP takes it back, fork keeps it;
 * holes are ENOMEM after the rest was done. */
#include "../process/child.h"

static char *area;

/* Has the area that begins at addr this flag? -1: there is none. */
static int has_flag(const void *addr, const char *flag)
{
    char line[512], want[32];
    int found = -1;
    FILE *f = fopen("/proc/self/smaps", "re");
    bool inside = false;

    snprintf(want, sizeof(want), "%lx-", (unsigned long)addr);
    while (f && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, want, strlen(want)))
            inside = true;
        else if (inside && !strncmp(line, "VmFlags:", 8)) {
            found = strstr(line, flag) != NULL;
            break;
        }
    }
    if (f)
        fclose(f);
    return found;
}

static void child_has_it(void)
{
    check(has_flag(area + 4096, " dd ") == 1, 1);
}

int main(void)
{
    char *reserved = mmap(NULL, 8 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    area = mmap(reserved + 4096, 4 * 4096, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(area, 1, 4 * 4096);
    is_eq(has_flag(area, " dd "), 0);
    is_eq(madvise(area + 4096, 4096, MADV_DONTDUMP), 0);
    is_eq(has_flag(area, " dd "), 0);
    is_eq(has_flag(area + 4096, " dd "), 1);
    is_eq(has_flag(area + 2 * 4096, " dd "), 0);
    ok(exited_with(in_child(child_has_it), 0), "a child has it");
    is_eq(madvise(area + 4096, 4096, MADV_DODUMP), 0);
    is_eq(has_flag(area, " dd "), 0);
    is_eq(has_flag(area + 4096, " dd "), -1);
    munmap(area + 2 * 4096, 4096);
    is_errno(madvise(area, 4 * 4096, MADV_DONTDUMP), ENOMEM);
    is_eq(has_flag(area, " dd "), 1);
    is_eq(has_flag(area + 3 * 4096, " dd "), 1);
    is_errno(madvise(area + 2 * 4096, 4096, MADV_DONTDUMP), ENOMEM);
    is_errno(madvise(area, 3 * 4096, MADV_DONTFORK), ENOMEM);
    is_eq(has_flag(area, " dc "), 1);
    is_eq(madvise(area, 0, MADV_DONTDUMP), 0);
    is_errno(madvise(area + 1, 4096, MADV_DONTDUMP), EINVAL);
    done();
}
