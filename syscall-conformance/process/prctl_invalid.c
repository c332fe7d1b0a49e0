/* prctl(2): EINVAL for an unknown option, EFAULT for a bad address. */
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
    is_errno(prctl(-1), EINVAL);
    is_errno(prctl(9999), EINVAL);
    is_errno(prctl(PR_GET_PDEATHSIG, 8), EFAULT);
    is_errno(prctl(PR_GET_CHILD_SUBREAPER, 8), EFAULT);
    is_errno(prctl(PR_SET_TIMING, 1), EINVAL);
    is_eq(prctl(PR_GET_TIMING), 0);
    is_errno(prctl(PR_CAPBSET_READ, 200), EINVAL);
    is_errno(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
    done();
}
