/* chdir(2), fchdir(2), getcwd(2): the length counts the zero byte; ERANGE, ENOTDIR, ENOENT, EACCES,
 * EBADF; getcwd follows renames. */
#include "../tmp.h"

static int no_search(void)
{
    drop_root();
    return errno_of(chdir("closed")) == EACCES && errno_of(chdir("closed/sub")) == EACCES ? 0 : 1;
}

int main(void)
{
    char top[PATH_MAX], buf[PATH_MAX], want[PATH_MAX + 16];

    tmp_enter();
    long n = syscall(SYS_getcwd, top, sizeof(top));
    is_eq(n == (long)strlen(top) + 1, 1);
    ok(!strcmp(top, tmp_path), "the directory we are in");
    is_errno(syscall(SYS_getcwd, buf, n - 1), ERANGE);
    is_eq(syscall(SYS_getcwd, buf, n) == n, 1);
    is_errno(syscall(SYS_getcwd, buf, 0), ERANGE);
    is_errno(syscall(SYS_getcwd, BAD_PTR, 4096), EFAULT);
    is_eq(mkdir("d", 0755), 0);
    is_eq(mkdir("d/e", 0755), 0);
    touch("f");
    is_errno(chdir("none"), ENOENT);
    is_errno(chdir("f"), ENOTDIR);
    is_errno(chdir(""), ENOENT);
    is_errno(chdir(BAD_PTR), EFAULT);
    is_eq(chdir("d/e"), 0);
    snprintf(want, sizeof(want), "%s/d/e", top);
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, want), "two down");
    must(rename("../../d", "../../moved"));
    snprintf(want, sizeof(want), "%s/moved/e", top);
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, want), "follows a rename");
    is_eq(chdir("../.."), 0);
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, top), "and back");
    is_eq(symlink("moved/e", "link"), 0);
    is_eq(chdir("link"), 0);
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, want), "symbolic links are resolved");
    is_eq(chdir(top), 0);

    int fd = open("moved", O_RDONLY | O_DIRECTORY), path = open("moved/e", O_PATH);
    int file = open("f", O_RDONLY);
    is_eq(fchdir(fd), 0);
    is_eq(exists("e"), 1);
    is_eq(fchdir(path), 0);
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, want), "O_PATH will do");
    is_errno(fchdir(file), ENOTDIR);
    is_errno(fchdir(99), EBADF);
    is_eq(chdir(top), 0);
    must(mkdir("closed", 0700));
    must(mkdir("closed/sub", 0755));
    must(chmod("closed", 0));
    is_eq(in_child(no_search), 0);
    must(chmod("closed", 0700));
    is_eq(chdir("/.."), 0);
    ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, "/"), "the root is its own parent");
    must(chdir(top));
    done();
}
