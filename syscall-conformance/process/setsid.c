/* setsid(2): creates a session and group with the caller's pid; EPERM for a group leader. */
#include "child.h"

static void child(void)
{
    check(setsid() == getpid(), 1);
    check(getsid(0) == getpid() && getpgrp() == getpid(), 2);
    check(setsid() == -1 && errno == EPERM, 3);
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, 4);
}

static void leader(void)
{
    check(setpgid(0, 0) == 0, 1);
    check(setsid() == -1 && errno == EPERM, 2);
}

int main(void)
{
    is_eq(in_child(child), 0);
    is_eq(in_child(leader), 0);
    done();
}
