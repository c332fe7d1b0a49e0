/* mremap(2) MREMAP_DONTUNMAP: pages move, the old range stays mapped and reads as zero. */
#include "../process/child.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
    char *p = mmap(NULL, 8192, rw, anon, -1, 0);

    memset(p, 'd', 8192);
    is_errno(mremap(p, 8192, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), EINVAL);
    is_errno(mremap(p, 8192, 8192, MREMAP_DONTUNMAP, NULL), EINVAL);
    char *q = mremap(p, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    ok(q != MAP_FAILED && q != p, "moved");
    ok(q[0] == 'd' && q[8191] == 'd', "the data is there");
    ok(p[0] == 0 && p[8191] == 0, "the old range is empty");
    p[0] = 1;
    is_eq(q[0], 'd');
    done();
}
