/* execveat(2): a memfd can be executed; with MFD_CLOEXEC a script in it fails with ENOENT. */
#include "exec.h"

static int run_fd(int fd)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        char *args[] = {"x", "role", NULL};
        syscall(SYS_execveat, fd, "", args, environ, AT_EMPTY_PATH);
        _exit(200 + errno);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
    char buf[65536];
    ssize_t n;

    (void)argv;
    if (argc == 2)
        return 81;
    int self = open("/proc/self/exe", O_RDONLY), fd = memfd_create("prog", MFD_CLOEXEC);
    while ((n = read(self, buf, sizeof(buf))) > 0)
        check(write(fd, buf, n) == n, 1);
    char ro[64];
    snprintf(ro, sizeof(ro), "/proc/self/fd/%d", fd);
    int rofd = open(ro, O_RDONLY | O_CLOEXEC);
    is_eq(run_fd(fd), 81);
    close(fd);
    is_eq(run_fd(rofd), 81);
    int script = memfd_create("script", MFD_CLOEXEC);
    ok(write(script, "#!/bin/true\n", 12) == 12, "script written");
    snprintf(ro, sizeof(ro), "/proc/self/fd/%d", script);
    rofd = open(ro, O_RDONLY | O_CLOEXEC);
    close(script);
    is_eq(run_fd(rofd), 200 + ENOENT);
    done();
}
