/* mremap(2) MREMAP_FIXED: moves to the address given, replacing what is there. */
#include "../process/child.h"

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE, may = MREMAP_MAYMOVE;
    char *a = mmap(NULL, 2 * 4096, rw, anon, -1, 0), *b = mmap(NULL, 4 * 4096, rw, anon, -1, 0);
    unsigned char vec;

    memset(a, 'a', 2 * 4096);
    memset(b, 'b', 4 * 4096);
    ok(mremap(a, 2 * 4096, 2 * 4096, may | MREMAP_FIXED, b + 4096) == b + 4096, "moved");
    ok(b[4095] == 'b' && b[4096] == 'a' && b[3 * 4096 - 1] == 'a' && b[3 * 4096] == 'b', "data");
    is_errno(mincore(a, 4096, &vec), ENOMEM);
    is_errno(mremap(b, 4096, 4096, MREMAP_FIXED, a), EINVAL);
    is_errno(mremap(b, 4096, 4096, may | MREMAP_FIXED, a + 1), EINVAL);
    is_errno(mremap(b, 8192, 8192, may | MREMAP_FIXED, b + 4096), EINVAL);
    is_eq(b[0], 'b');
    done();
}
