/* getpgid(2), getsid(2): pid 0 is the caller; ESRCH when there is no such process. */
#include "child.h"

int main(void)
{
    ok(getpgid(0) == getpgrp(), "getpgid(0)");
    ok(getpgid(getpid()) == getpgrp(), "getpgid(self)");
    ok(getsid(0) == getsid(getpid()), "getsid(0)");
    is_errno(getpgid(0x3ffffff), ESRCH);
    is_errno(getsid(0x3ffffff), ESRCH);
    is_errno(getpgid(-1), ESRCH);
    is_errno(getsid(-1), ESRCH);
    done();
}
