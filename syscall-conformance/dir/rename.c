/* rename(2): replaces a file or an empty directory at once; errors EINVAL, EISDIR, ENOTDIR,
 * ENOTEMPTY, ENOENT, EBUSY. */
#include "../tmp.h"

int main(void)
{
    struct stat a, b;

    tmp_enter();
    close(file_with("a", "from a"));
    close(file_with("b", "from b"));
    int fd = open("b", O_RDONLY);
    is_eq(stat("a", &a), 0);
    is_eq(rename("a", "b"), 0);
    ok(!exists("a") && content_is("b", "from a"), "replaced");
    is_eq(stat("b", &b) == 0 && a.st_ino == b.st_ino, 1);
    char c;
    is_eq(read(fd, &c, 1), 1); /* the old one lives on while open */
    is_eq(fstat(fd, &b) == 0 ? (long)b.st_nlink : -1, 0);
    is_eq(rename("b", "b"), 0);
    is_eq(link("b", "hard"), 0);
    is_eq(rename("b", "hard"), 0); /* the same file: nothing happens */
    ok(exists("b") && exists("hard"), "both names stay");

    is_eq(mkdir("d", 0700), 0);
    is_eq(mkdir("e", 0700), 0);
    is_eq(mkdir("e/sub", 0700), 0);
    is_errno(rename("b", "d"), EISDIR);
    is_errno(rename("d", "b"), ENOTDIR);
    is_errno(rename("d", "e"), ENOTEMPTY);
    is_eq(rename("e", "d"), 0);
    ok(exists("d/sub") && !exists("e"), "an empty directory is replaced");
    is_errno(rename("d", "d/sub/x"), EINVAL);
    is_errno(rename("d", "d/x"), EINVAL);
    is_errno(rename("d/sub", "d"), ENOTEMPTY);
    is_errno(rename("none", "x"), ENOENT);
    is_errno(rename("b", "none/x"), ENOENT);
    is_errno(rename("b", "hard/x"), ENOTDIR);
    is_errno(rename("b", ""), ENOENT);
    is_errno(rename("d", "."), EBUSY);
    is_errno(rename(".", "x"), EBUSY);
    is_errno(rename("d/..", "x"), EBUSY);
    is_errno(rename("b", "x/"), ENOTDIR);
    is_errno(rename("b/", "x"), ENOTDIR);
    is_eq(rename("d", "x/"), 0);
    is_eq(rename("x", "d"), 0);
    is_errno(rename(BAD_PTR, "x"), EFAULT);
    is_errno(rename("b", BAD_PTR), EFAULT);

    is_eq(symlink("b", "s"), 0);
    is_eq(rename("s", "t"), 0); /* the link itself */
    ok(readlink("t", &c, 1) == 1 && content_is("t", "from a"), "still leads to b");
    is_eq(rename("hard", "t"), 0);
    ok(lstat("t", &a) == 0 && S_ISREG(a.st_mode), "a link is replaced, not followed");

    /* A directory takes its contents and its open descriptors along. */
    is_eq(mkdir("top", 0700), 0);
    int sub = open("d/sub", O_RDONLY | O_DIRECTORY);
    is_eq(rename("d/sub", "top/moved"), 0);
    is_eq(mkdirat(sub, "in", 0700), 0);
    ok(exists("top/moved/in"), "seen under the new name");
    is_eq(fstatat(sub, "..", &a, 0) == 0 && stat("top", &b) == 0 && a.st_ino == b.st_ino, 1);
    done();
}
