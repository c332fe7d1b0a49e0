/* prctl(2) PR_SET_DUMPABLE: takes 0 or 1; 2 and others give EINVAL. */
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
    is_eq(prctl(PR_SET_DUMPABLE, 1), 0);
    is_eq(prctl(PR_GET_DUMPABLE), 1);
    is_eq(prctl(PR_SET_DUMPABLE, 0), 0);
    is_eq(prctl(PR_GET_DUMPABLE), 0);
    is_errno(prctl(PR_SET_DUMPABLE, 2), EINVAL);
    is_errno(prctl(PR_SET_DUMPABLE, 77), EINVAL);
    is_eq(prctl(PR_GET_DUMPABLE), 0);
    done();
}
