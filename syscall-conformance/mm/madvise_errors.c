/* madvise(2): EINVAL for alignment or unknown advice, ENOMEM for unmapped pages. */
#include "../process/child.h"

int main(void)
{
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is_errno(madvise(p + 1, 4096, MADV_NORMAL), EINVAL);
    is_errno(madvise(p, 4096, 9999), EINVAL);
    is_eq(madvise(p, 0, MADV_NORMAL), 0);
    is_eq(madvise(p, 4096, MADV_WILLNEED), 0);
    is_eq(madvise(p, 4096, MADV_SEQUENTIAL), 0);
    is_eq(madvise(p, 4096, MADV_FREE), 0);
    is_eq(madvise(p, 4096, MADV_POPULATE_WRITE), 0);
    munmap(p + 4096, 4096);
    is_errno(madvise(p, 3 * 4096, MADV_NORMAL), ENOMEM);
    is_errno(madvise(p + 4096, 4096, MADV_DONTNEED), ENOMEM);
    is_errno(madvise(shared_page(), 4096, MADV_FREE), EINVAL);
    done();
}
