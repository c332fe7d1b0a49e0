/* sysinfo(2): memory sizes count in mem_unit bytes and are consistent with each other. */
#include "child.h"
#include <sys/sysinfo.h>

int main(void)
{
    struct sysinfo si;

    is_eq(sysinfo(&si), 0);
    ok(si.mem_unit >= 1, "mem_unit");
    ok(si.totalram > 0 && si.freeram <= si.totalram, "free <= total");
    ok(si.freeswap <= si.totalswap, "swap");
    ok(si.procs >= 1, "procs");
    ok(si.uptime >= 0, "uptime");
    is_errno(syscall(SYS_sysinfo, 8), EFAULT);
    done();
}
