/* mremap(2) with an old size of 0 makes a second mapping of the same shared pages. */
#include "../process/child.h"

int main(void)
{
    char *p = shared_page(), *q = mremap(p, 0, 4096, MREMAP_MAYMOVE);

    ok(q != MAP_FAILED && q != p, "a second mapping");
    p[7] = 'p';
    is_eq(q[7], 'p');
    q[8] = 'q';
    is_eq(p[8], 'q');
    done();
}
