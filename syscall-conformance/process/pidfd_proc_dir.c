/* pidfd_send_signal(2): a directory /proc/PID, opened for reading, serves as a pidfd. */
#include "child.h"
#include <fcntl.h>
#include <sys/syscall.h>

static int send_to(int fd, int sig)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

int main(void)
{
    char path[64];
    pid_t pid = fork();
    int status;

    if (pid == 0)
        for (;;)
            pause();
    snprintf(path, sizeof(path), "/proc/%d", pid);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    is_eq(send_to(fd, 0), 0);
    is_eq(send_to(fd, SIGTERM), 0);
    is_eq(waitpid(pid, &status, 0), pid);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "it was ended by that signal");
    is_errno(send_to(fd, 0), ESRCH);
    int root = open("/proc", O_RDONLY | O_DIRECTORY);
    is_errno(send_to(root, 0), EBADF);
    int file = open("/proc/self/status", O_RDONLY);
    is_errno(send_to(file, 0), EBADF);
    done();
}
