/* link(2), unlink(2): names of one inode; linkat flags; errors EEXIST, EPERM for directories,
 * ENOENT, ENOTDIR; the file lives while it is open. */
#include "../tmp.h"

static long nlink_of(const char *name)
{
    struct stat st;

    return lstat(name, &st) ? -1 : (long)st.st_nlink;
}

int main(void)
{
    tmp_enter();
    int fd = file_with("a", "data");
    is_eq(link("a", "b"), 0);
    is_eq(nlink_of("a"), 2);
    is_errno(link("a", "b"), EEXIST);
    is_errno(link("none", "c"), ENOENT);
    is_errno(link("a", "none/c"), ENOENT);
    is_errno(link("a", "b/c"), ENOTDIR);
    is_errno(link("a/", "c"), ENOTDIR);
    is_errno(link("a", "c/"), ENOENT);
    is_errno(link(BAD_PTR, "c"), EFAULT);
    is_eq(mkdir("d", 0700), 0);
    is_errno(link("d", "c"), EPERM);
    is_eq(symlink("a", "s"), 0);
    is_eq(link("s", "s2"), 0); /* the symbolic link itself */
    is_eq(nlink_of("s"), 2);
    is_eq(linkat(AT_FDCWD, "s", AT_FDCWD, "c", AT_SYMLINK_FOLLOW), 0);
    is_eq(nlink_of("a"), 3);
    is_errno(linkat(AT_FDCWD, "a", AT_FDCWD, "x", 0x4000), EINVAL);
    is_errno(linkat(99, "a", AT_FDCWD, "x", 0), EBADF);
    is_eq(unlink("a"), 0);
    is_eq(unlink("b"), 0);
    is_eq(nlink_of("c"), 1);
    is_eq(unlink("c"), 0);
    struct stat st;
    is_eq(fstat(fd, &st) == 0 ? (long)st.st_nlink : -1, 0);
    char buf[8];
    is_eq(pread(fd, buf, 8, 0), 4);
    if (geteuid() == 0) {
        is_errno(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH), ENOENT); /* no name left */
    } else {
        skip("needs root");
    }
    is_errno(unlink("a"), ENOENT);
    is_errno(unlink("s/x"), ENOENT);
    is_errno(unlink("d/"), EISDIR);
    touch("f");
    is_errno(unlink("f/"), ENOTDIR);
    is_errno(unlink("f/x"), ENOTDIR);
    is_errno(unlink(""), ENOENT);
    is_errno(unlink(BAD_PTR), EFAULT);
    is_eq(unlink("s"), 0);
    is_eq(nlink_of("s2"), 1);
    done();
}
