/* mremap(2): EFAULT for unmapped ranges, EINVAL for alignment, flags or a new size of 0. */
#include "../process/child.h"

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(NULL, 4 * 4096, PROT_READ, anon, -1, 0);

    munmap(p + 4096, 4096);
    is_errno(mremap(p + 4096, 4096, 8192, MREMAP_MAYMOVE), EFAULT);
    is_errno(mremap(p, 2 * 4096, 3 * 4096, MREMAP_MAYMOVE), EFAULT);
    is_errno(mremap(p + 1, 4096, 8192, MREMAP_MAYMOVE), EINVAL);
    is_errno(mremap(p, 4096, 0, MREMAP_MAYMOVE), EINVAL);
    is_errno(mremap(p, 4096, 8192, 0x100), EINVAL);
    is_errno(mremap(p, 0, 4096, MREMAP_MAYMOVE), EINVAL);
    is_errno(mremap(p, 4096, 1UL << 48, MREMAP_MAYMOVE), EINVAL);
    is_eq(mremap(p, 4096, 4096, 0) == p, 1);
    done();
}
