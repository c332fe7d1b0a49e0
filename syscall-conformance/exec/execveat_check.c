/* execveat(2): AT_EXECVE_CHECK asks whether a file may be executed, without doing it. */
#include "../process/child.h"

#define CHECK 0x10000

static long may_run(const char *path)
{
    char *argv[] = {"x", NULL}, *envp[] = {NULL};

    return syscall(SYS_execveat, AT_FDCWD, path, argv, envp, CHECK);
}

int main(void)
{
    enter_scratch();
    put_file("text", "no program\n", 11, 0755);
    put_file("plain", "x", 1, 0644);
    if (may_run("text") && errno == EINVAL) {
        skip("before Linux 6.14");
        done();
    }
    is_eq(may_run("text"), 0);
    is_errno(may_run("plain"), EACCES);
    is_errno(may_run("none"), ENOENT);
    is_errno(may_run("."), EACCES);
    done();
}
