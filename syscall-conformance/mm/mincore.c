/* mincore(2): touched pages are resident; ENOMEM unmapped, EINVAL unaligned, EFAULT bad vector. */
#include "../process/child.h"

int main(void)
{
    char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char vec[4] = {9, 9, 9, 9};

    p[0] = p[8192] = 1;
    is_eq(mincore(p, 4 * 4096, vec), 0);
    ok((vec[0] & 1) && (vec[2] & 1), "touched pages are resident");
    is_eq(mincore(p, 0, vec), 0);
    is_errno(mincore(p + 1, 4096, vec), EINVAL);
    is_errno(syscall(SYS_mincore, p, 4096, 8), EFAULT);
    munmap(p + 4096, 4096);
    is_errno(mincore(p, 3 * 4096, vec), ENOMEM);
    done();
}
