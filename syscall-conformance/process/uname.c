/* uname(2): sysname is Linux and machine x86_64; EFAULT for a bad buffer. */
#include "child.h"
#include <sys/utsname.h>

int main(void)
{
    struct utsname u;
    char host[65];
    int major = 0, minor = 0;

    is_eq(uname(&u), 0);
    ok(!strcmp(u.sysname, "Linux"), "sysname");
    ok(!strcmp(u.machine, "x86_64"), "machine");
    ok(sscanf(u.release, "%d.%d", &major, &minor) == 2 && major >= 4, "release starts as 4.x");
    ok(u.version[0] == '#', "version starts with #");
    ok(gethostname(host, sizeof(host)) == 0 && !strcmp(host, u.nodename), "nodename");
    is_errno(syscall(SYS_uname, 8), EFAULT);
    done();
}
