/* mkdir(2), rmdir(2): modes, links and errors: EEXIST, ENOENT, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY.
 */
#include "../tmp.h"

int main(void)
{
    struct stat st;

    tmp_enter();
    is_eq(mkdir("d", 0777), 0);
    is_eq(stat("d", &st), 0);
    is_eq(st.st_mode, S_IFDIR | 0755);
    is_eq(mkdir("sticky", 01777), 0);
    is_eq(stat("sticky", &st), 0);
    is_eq(st.st_mode & 07777, 01755);
    is_eq(mkdir("slash/", 0700), 0);
    is_errno(mkdir("d", 0777), EEXIST);
    is_errno(mkdir("d/", 0777), EEXIST);
    is_errno(mkdir(".", 0777), EEXIST);
    is_errno(mkdir("/", 0777), EEXIST);
    is_errno(mkdir("d/.", 0777), EEXIST);
    is_errno(mkdir("none/d", 0777), ENOENT);
    is_errno(mkdir("", 0777), ENOENT);
    is_errno(mkdir("new/.", 0777), ENOENT);
    touch("f");
    is_errno(mkdir("f", 0777), EEXIST);
    is_errno(mkdir("f/d", 0777), ENOTDIR);
    is_eq(symlink("nowhere", "dangling"), 0);
    is_errno(mkdir("dangling", 0777), EEXIST);
    is_errno(mkdir(BAD_PTR, 0777), EFAULT);
    is_eq(mkdir("d/sub", 0700), 0);
    is_errno(rmdir("d"), ENOTEMPTY);
    is_errno(rmdir("d/sub/."), EINVAL);
    is_errno(rmdir("d/sub/.."), ENOTEMPTY);
    is_errno(rmdir("."), EINVAL);
    is_errno(rmdir("/"), EBUSY);
    is_errno(rmdir("f"), ENOTDIR);
    is_errno(rmdir("none"), ENOENT);
    is_errno(rmdir("dangling"), ENOTDIR);
    is_eq(symlink("d", "link"), 0);
    is_errno(rmdir("link"), ENOTDIR);
    is_errno(rmdir("link/"), ENOTDIR);
    is_errno(unlink("d"), EISDIR);
    is_eq(rmdir("d/sub/"), 0);
    is_eq(rmdir("d"), 0);
    is_errno(mkdirat(99, "x", 0700), EBADF);
    is_errno(unlinkat(AT_FDCWD, "slash", 0), EISDIR);
    is_errno(unlinkat(AT_FDCWD, "slash", 0x1000), EINVAL);
    is_eq(unlinkat(AT_FDCWD, "slash", AT_REMOVEDIR), 0);
    is_errno(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
    done();
}
