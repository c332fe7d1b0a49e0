/* execveat(2): relative to a directory, or the descriptor's own file with AT_EMPTY_PATH. */
#include "exec.h"

static char *args[] = {"x", "role", NULL};

static int run_at(int dirfd, const char *path, int flags)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        syscall(SYS_execveat, dirfd, path, args, environ, flags);
        _exit(200 + errno);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 2)
        return 80;
    enter_scratch();
    ok(mkdir("d", 0755) == 0, "directory made");
    copy_self("d/prog", 0755);
    ok(symlink("prog", "d/link") == 0, "link made");
    int dir = open("d", O_PATH | O_CLOEXEC), fd = open("d/prog", O_RDONLY | O_CLOEXEC);
    int path = open("d/prog", O_PATH);
    is_eq(run_at(dir, "prog", 0), 80);
    is_eq(run_at(AT_FDCWD, "d/prog", 0), 80);
    is_eq(run_at(dir, "link", 0), 80);
    is_eq(run_at(dir, "link", AT_SYMLINK_NOFOLLOW), 200 + ELOOP);
    is_eq(run_at(fd, "", AT_EMPTY_PATH), 80);
    is_eq(run_at(path, "", AT_EMPTY_PATH), 80);
    is_eq(run_at(fd, "", 0), 200 + ENOENT);
    is_eq(run_at(fd, "prog", 0), 200 + ENOTDIR);
    is_eq(run_at(dir, "", AT_EMPTY_PATH), 200 + EACCES);
    is_eq(run_at(999, "prog", 0), 200 + EBADF);
    is_eq(run_at(dir, "prog", 0x8), 200 + EINVAL);
    done();
}
