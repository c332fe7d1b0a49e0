/* reboot(2) in a pid namespace ends its init, by the signal that tells which it was. */
#include "../tap.h"
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ended_by(int command)
{
    int status = -1;

    fflush(stdout);
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        if (fork() == 0) {
            reboot(command);
            for (;;)
                pause();
        }
        for (;;)
            pause();
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

int main(void)
{
    is_eq(ended_by(LINUX_REBOOT_CMD_RESTART), SIGHUP);
    is_eq(ended_by(LINUX_REBOOT_CMD_HALT), SIGINT);
    is_eq(ended_by(LINUX_REBOOT_CMD_POWER_OFF), SIGINT);
    done();
}
