/* access(2): asks for the real user, open(2) for the effective one; AT_EACCESS asks for that;
 * X_OK of root needs an execute bit; EINVAL, EROFS, ENOENT. */
#include "cred.h"

static void real_decides(void)
{
    check(setresuid(1000, 0, 0) == 0, 1);
    check(access("root_only", R_OK) == -1 && errno == EACCES, 2);
    check(faccessat(AT_FDCWD, "root_only", R_OK, AT_EACCESS) == 0, 3);
    check(open("root_only", O_RDONLY) >= 0, 4);
    check(access("root_only", F_OK) == 0, 5);
    check(access("all", R_OK) == 0, 6);
    check(access("all", W_OK) == -1 && errno == EACCES, 7);
}

static void other_way(void)
{
    check(setresuid(0, 1000, 0) == 0, 1);
    check(access("root_only", R_OK | W_OK) == 0, 2);
    check(faccessat(AT_FDCWD, "root_only", R_OK, AT_EACCESS) == -1 && errno == EACCES, 3);
    check(open("root_only", O_RDONLY) == -1 && errno == EACCES, 4);
}

static void root_exec(void)
{
    check(access("all", X_OK) == -1 && errno == EACCES, 1);
    check(access("script", X_OK) == 0, 2);
    check(access(".", X_OK) == 0, 3);
    check(access("closed", R_OK | W_OK) == 0, 4);
}

int main(void)
{
    enter_scratch();
    put_file("root_only", "", 0, 0600);
    put_file("all", "", 0, 0644);
    put_file("script", "", 0, 0701);
    put_file("closed", "", 0, 0000);
    root_only(real_decides, "the real user");
    root_only(other_way, "not the effective one");
    root_only(root_exec, "root");
    is_errno(access("all", 8), EINVAL);
    is_errno(access("none", F_OK), ENOENT);
    is_errno(access("all/x", F_OK), ENOTDIR);
    is_errno(access(BAD_PTR, F_OK), EFAULT);
    is_errno(syscall(SYS_faccessat2, AT_FDCWD, "all", R_OK, 0x4000), EINVAL);
    is_errno(faccessat(99, "all", R_OK, 0), EBADF);
    is_eq(symlink("none", "dangling"), 0);
    is_errno(access("dangling", F_OK), ENOENT);
    is_eq(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    int fd = open("all", O_RDONLY);
    is_eq(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH), 0);
    is_errno(syscall(SYS_faccessat2, fd, "", R_OK, 0), ENOENT);
    done();
}
