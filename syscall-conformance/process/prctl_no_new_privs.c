/* prctl(2) PR_SET_NO_NEW_PRIVS: can be set, never unset, is inherited; other arguments must be 0.
 */
#include "child.h"
#include <sys/prctl.h>

static void child(void)
{
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, 1);
}

static void setter(void)
{
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, 1);
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, 2);
    check(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == -1 && errno == EINVAL, 3);
    check(in_child(child) == 0, 4);
}

int main(void)
{
    is_errno(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    is_errno(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
    is_errno(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
    is_eq(in_child(setter), 0);
    done();
}
