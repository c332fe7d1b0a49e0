/* munmap(2): unmaps part of a mapping, holes are no error; EINVAL for length 0 or bad alignment. */
#include "../process/child.h"

static bool mapped(void *p)
{
    unsigned char vec;

    return mincore(p, 4096, &vec) == 0;
}

int main(void)
{
    char *p = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(p, 'x', 5 * 4096);
    is_errno(munmap(p, 0), EINVAL);
    is_errno(munmap(p + 1, 4096), EINVAL);
    is_errno(syscall(SYS_munmap, p, -4096L), EINVAL);
    is_errno(syscall(SYS_munmap, 1UL << 63, 4096), EINVAL);
    is_eq(munmap(p + 2 * 4096, 1), 0);
    ok(mapped(p + 4096) && !mapped(p + 2 * 4096) && mapped(p + 3 * 4096), "split in two");
    is_eq(munmap(p + 2 * 4096, 4096), 0);
    is_eq(munmap(p + 4096, 3 * 4096), 0);
    ok(mapped(p) && !mapped(p + 4096) && !mapped(p + 3 * 4096) && mapped(p + 4 * 4096),
       "edges left");
    ok(p[4095] == 'x' && p[4 * 4096] == 'x', "with their data");
    is_errno(write(1, p + 4096, 1), EFAULT);
    done();
}
