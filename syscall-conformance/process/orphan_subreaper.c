/* prctl(2) PR_SET_CHILD_SUBREAPER: orphaned descendants are adopted by the nearest subreaper. */
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
    int get = -1, status, *cell = shared_page();
    siginfo_t info;

    is_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    is_eq(prctl(PR_GET_CHILD_SUBREAPER, &get), 0);
    is_eq(get, 1);
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            pid_t mid = getppid();
            cell[0] = getpid();
            while (getppid() == mid)
                nap_ms(1);
            _exit(getppid() == self ? 11 : 12);
        }
        while (!*(volatile int *)cell)
            nap_ms(1);
        _exit(10);
    }
    ok(waitpid(pid, &status, 0) == pid && exited_with(status, 10), "the middle process");
    ok(waitid(P_ALL, 0, &info, WEXITED) == 0, "the orphan is now a child");
    ok(info.si_pid == cell[0], "it is the grandchild");
    is_eq(info.si_status, 11);
    done();
}
