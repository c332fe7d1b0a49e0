/* proc(5): a process that does not exist has no directory; reading a dead one's file gives ESRCH.
 */
#include "child.h"

int main(void)
{
    char path[64], c;
    int status;
    struct stat st;

    is_errno(stat("/proc/99999999", &st), ENOENT);
    is_errno(stat("/proc/0", &st), ENOENT);
    is_errno(stat("/proc/-1", &st), ENOENT);
    is_errno(stat("/proc/01", &st), ENOENT);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ok(fd >= 0, "opened while alive");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    is_errno(read(fd, &c, 1), ESRCH);
    is_errno(open(path, O_RDONLY), ENOENT);
    done();
}
