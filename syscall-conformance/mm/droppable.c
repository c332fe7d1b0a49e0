/* mmap(2): MAP_DROPPABLE memory is empty in children, and stays droppable. */
#include "../process/child.h"

static char *p;

static void child(void)
{
    check(p[0] == 0, 1);
}

int main(void)
{
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, 8 | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        ok(errno == EINVAL, "a kernel without it");
        done();
    }
    p[0] = 1;
    ok(exited_with(in_child(child), 0), "a child finds nothing");
    is_eq(p[0], 1);
    is_errno(madvise(p, 4096, MADV_DODUMP), EINVAL);
    is_errno(madvise(p, 4096, MADV_KEEPONFORK), EINVAL);
    is_eq(mlock(p, 4096), 0);
    is_eq(madvise(p, 4096, MADV_DONTNEED), 0);
    done();
}
