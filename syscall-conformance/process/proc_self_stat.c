/* proc(5): /proc/PID/stat: pid (comm) state ppid pgrp session ..., comm as set by PR_SET_NAME. */
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
    char buf[1024] = "", comm[32], state = 0;
    int pid = 0, ppid = 0, pgrp = 0, session = 0;

    prctl(PR_SET_NAME, "a) (b");
    int fd = open("/proc/self/stat", O_RDONLY);
    ok(read(fd, buf, sizeof(buf) - 1) > 0, "readable");
    char *close = strrchr(buf, ')');
    ok(close && sscanf(close + 2, "%c %d %d %d", &state, &ppid, &pgrp, &session) == 4, "parsed");
    ok(sscanf(buf, "%d (%5c", &pid, comm) == 2 && !memcmp(comm, "a) (b", 5), "comm");
    ok(pid == getpid(), "pid");
    is_eq(state, 'R');
    ok(ppid == getppid(), "ppid");
    ok(pgrp == getpgrp(), "pgrp");
    ok(session == getsid(0), "session");
    done();
}
