/* execve(2): ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP for paths that cannot be resolved. */
#include "exec.h"

int main(void)
{
    char name[300], *argv[] = {"x", NULL};

    enter_scratch();
    memset(name, 'n', 299);
    name[299] = 0;
    put_file("plain", "x", 1, 0755);
    ok(symlink("loop", "loop") == 0 && symlink("nowhere", "dangling") == 0, "links made");
    is_eq(exec_errno("missing"), ENOENT);
    is_eq(exec_errno(""), ENOENT);
    is_eq(exec_errno("dangling"), ENOENT);
    is_eq(exec_errno("plain/x"), ENOTDIR);
    is_eq(exec_errno("loop"), ELOOP);
    is_eq(exec_errno(name), ENAMETOOLONG);
    is_errno(syscall(SYS_execve, 8, argv, environ), EFAULT);
    is_errno(syscall(SYS_execve, "/proc/self/exe", 8, environ), EFAULT);
    is_errno(syscall(SYS_execve, "/proc/self/exe", argv, 8), EFAULT);
    argv[0] = (char *)8;
    is_errno(syscall(SYS_execve, "/proc/self/exe", argv, environ), EFAULT);
    done();
}
