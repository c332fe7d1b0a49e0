/* prctl(2): the subreaper setting is not inherited by children of fork. */
#include "child.h"
#include <sys/prctl.h>

static void child(void)
{
    int get = -1;

    check(prctl(PR_GET_CHILD_SUBREAPER, &get) == 0, 1);
    check(get == 0, 2);
}

int main(void)
{
    is_eq(prctl(PR_SET_CHILD_SUBREAPER, 5), 0);
    int get = -1;
    is_eq(prctl(PR_GET_CHILD_SUBREAPER, &get), 0);
    is_eq(get, 1);
    is_eq(in_child(child), 0);
    is_eq(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    done();
}
