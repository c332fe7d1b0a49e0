/* A process that is not dumpable is not traced, read or written by its own user. */
#include "trace.h"
#include <sys/prctl.h>

static int as_user(pid_t target)
{
    long v;
    struct iovec l = {&v, sizeof(v)}, r = {&v, sizeof(v)};

    if (!getuid() && (setresgid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY) ||
                      setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY)))
        return 9;
    if (tr(PTRACE_ATTACH, target, 0, 0) != -1 || errno != EPERM)
        return 1;
    if (process_vm_readv(target, &l, 1, &r, 1, 0) != -1 || errno != EPERM)
        return 2;
    return 0;
}

int main(void)
{
    int p[2];
    char c;

    must(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        if (!getuid() && (setresgid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY) ||
                          setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY)))
            _exit(9);
        prctl(PR_SET_DUMPABLE, 0);
        if (write(p[1], "x", 1) != 1)
            _exit(8);
        pause();
    }
    must(read(p[0], &c, 1));
    pid_t other = fork();
    if (other == 0)
        _exit(as_user(pid));
    ok(is_exit(next(other), 0), "no access");
    kill(pid, SIGKILL);
    next(pid);
    done();
}
