/* prlimit(2): sets and gets at once, for the caller or another process; ESRCH when there is none.
 */
#include "child.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit old, lim, now;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    is_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &old), 0);
    lim = old;
    lim.rlim_cur = 33;
    is_eq(prlimit(pid, RLIMIT_NOFILE, &lim, &now), 0);
    ok(now.rlim_cur == old.rlim_cur, "the old value is returned");
    is_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &now), 0);
    is_eq(now.rlim_cur, 33);
    is_eq(prlimit(0, RLIMIT_NOFILE, NULL, &now), 0);
    ok(now.rlim_cur == old.rlim_cur, "the caller's is unchanged");
    is_errno(prlimit(0x3ffffff, RLIMIT_NOFILE, NULL, &now), ESRCH);
    is_errno(prlimit(0, 99, NULL, &now), EINVAL);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    done();
}
