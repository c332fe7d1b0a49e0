/* execve(2): ETXTBSY when the file is open for writing; a running program cannot be opened to
 * write. */
#include "exec.h"

int main(int argc, char **argv)
{
    char c;

    (void)argv;
    if (argc == 2) {
        check(write(1, "r", 1) == 1, 1);
        return read(0, &c, 1) == 0 ? 0 : 2;
    }
    enter_scratch();
    copy_self("prog", 0755);
    int fd = open("prog", O_WRONLY | O_CLOEXEC);
    is_eq(exec_errno("prog"), ETXTBSY);
    close(fd);
    int in[2], out[2], status;
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        char *args[] = {"prog", "wait", NULL};
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv("prog", args);
        _exit(127);
    }
    ok(read(out[0], &c, 1) == 1, "running");
    is_errno(open("prog", O_WRONLY), ETXTBSY);
    is_errno(open("prog", O_RDWR), ETXTBSY);
    is_errno(truncate("prog", 0), ETXTBSY);
    close(in[1]);
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    fd = open("prog", O_WRONLY);
    ok(fd >= 0, "writable afterwards");
    done();
}
