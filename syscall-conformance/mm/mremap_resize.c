/* mremap(2): shrinks in place, grows in place when there is room, else ENOMEM or moves with data.
 */
#include "../process/child.h"

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
    char *p = mmap(NULL, 8 * 4096, rw, anon, -1, 0);
    unsigned char vec;

    memset(p, 'm', 8 * 4096);
    ok(mremap(p, 8 * 4096, 4 * 4096, 0) == p, "shrunk in place");
    is_errno(mincore(p + 4 * 4096, 4096, &vec), ENOMEM);
    ok(mremap(p, 4 * 4096, 6 * 4096, 0) == p, "grown in place");
    ok(p[4 * 4096 - 1] == 'm' && p[4 * 4096] == 0, "the new part is zero");
    ok(mmap(p + 6 * 4096, 4096, PROT_READ, anon | MAP_FIXED, -1, 0) != MAP_FAILED, "room taken");
    is_errno(mremap(p, 6 * 4096, 8 * 4096, 0), ENOMEM);
    char *q = mremap(p, 6 * 4096, 8 * 4096, MREMAP_MAYMOVE);
    ok(q != MAP_FAILED && q != p, "moved");
    ok(q[0] == 'm' && q[4 * 4096 - 1] == 'm' && q[7 * 4096] == 0, "with its data");
    is_errno(mincore(p, 4096, &vec), ENOMEM);
    done();
}
