/* clone(2) CLONE_FS: working directory and umask are shared; without it they are copied. */
#include "child.h"
#include <sched.h>

static int run(int flags)
{
    int status;
    pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0) {
        umask(071);
        syscall(SYS_exit_group, chdir("/proc") == 0 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    char cwd[64];

    umask(022);
    if (chdir("/") < 0)
        return 1;
    is_eq(run(0), 0);
    ok(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"), "copied: cwd unchanged");
    is_eq(umask(022), 022);
    is_eq(run(CLONE_FS), 0);
    ok(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/proc"), "shared: cwd changed");
    is_eq(umask(022), 071);
    done();
}
