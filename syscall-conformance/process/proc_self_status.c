/* proc(5): /proc/PID/status has Name, Pid, PPid, Tgid, Uid, Gid, Threads, State, signal masks. */
#include "child.h"

static char text[16384];

static long field(const char *name, int base)
{
    char *p = strstr(text, name);

    return p ? strtol(p + strlen(name), NULL, base) : -1;
}

int main(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    int fd = open("/proc/self/status", O_RDONLY);
    ok(read(fd, text, sizeof(text) - 1) > 0, "readable");
    ok(!strncmp(text, "Name:\t", 6), "begins with the name");
    ok(field("\nPid:", 10) == getpid(), "Pid");
    ok(field("\nTgid:", 10) == getpid(), "Tgid");
    ok(field("\nPPid:", 10) == getppid(), "PPid");
    ok(field("\nUid:", 10) == getuid(), "Uid");
    ok(field("\nGid:", 10) == getgid(), "Gid");
    is_eq(field("\nThreads:", 10), 1);
    ok(strstr(text, "\nState:\tR (running)"), "State");
    ok(field("\nSigBlk:", 16) & 1L << (SIGUSR1 - 1), "SigBlk");
    ok(field("\nSigIgn:", 16) & 1L << (SIGUSR2 - 1), "SigIgn");
    ok(field("\nVmSize:", 10) > 0, "VmSize");
    ok(field("\nVmRSS:", 10) > 0, "VmRSS");
    done();
}
