/* mount(2): which errno wins. */
#include "mnt.h"

int main(void)
{
    mnt_enter();
    dir("d");
    touch("f");
    must(symlink("d", "l"));
    is_errno(mount("x", "missing", "tmpfs", 0, NULL), ENOENT);
    is_errno(mount("x", "f", "tmpfs", 0, NULL), ENOTDIR);
    is_errno(mount("x", "f/y", "tmpfs", 0, NULL), ENOTDIR);
    is_errno(mount("x", "d", "no-such-type", 0, NULL), ENODEV);
    is_errno(mount("x", "d", NULL, 0, NULL), EINVAL);
    is_errno(mount("x", NULL, "tmpfs", 0, NULL), EFAULT);
    is_errno(mount("x", "", "tmpfs", 0, NULL), ENOENT);
    is_errno(mount("x", "d", BAD_PTR, 0, NULL), EFAULT);
    is_errno(mount(BAD_PTR, "d", "tmpfs", 0, NULL), EFAULT);
    is_errno(mount("x", "d", "tmpfs", 0, BAD_PTR), EFAULT);
    is_errno(mount("x", "d", "tmpfs", 0, "nonsense"), EINVAL);
    is_errno(mount("x", "d", "tmpfs", 0, "size=abc"), EINVAL);
    is_errno(mount("x", "d", "tmpfs", 0, "mode=9"), EINVAL);
    is_errno(mount("x", "d", "tmpfs", 0, "nr_inodes=1z"), EINVAL);
    is_errno(mount("x", "d", "tmpfs", 0, "uid=-1"), EINVAL);
    is_errno(mount("x", "d", "tmpfs", 0, "size"), EINVAL);
    is_errno(mount("missing", "d", NULL, MS_BIND, NULL), ENOENT);
    is_errno(mount("", "d", NULL, MS_BIND, NULL), EINVAL);
    is_errno(mount(NULL, "d", NULL, MS_BIND, NULL), EINVAL);
    is_errno(mount("f", "d", NULL, MS_BIND, NULL), ENOTDIR);
    is_errno(mount("d", "f", NULL, MS_BIND, NULL), ENOTDIR);
    is_errno(mount("d", "f", NULL, MS_MOVE, NULL), EINVAL);
    is_errno(mount(NULL, "d", NULL, MS_REMOUNT, NULL), EINVAL);
    is_errno(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL), EINVAL);
    is_errno(mount(NULL, "d", NULL, MS_PRIVATE, NULL), EINVAL);
    is_errno(mount(NULL, ".", NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
    is_errno(mount(NULL, ".", NULL, MS_PRIVATE | MS_NODEV, NULL), EINVAL);
    is_eq(mount("x", "l", "tmpfs", 0, ""), 0);
    ok(is_mounted("d"), "the mount is where the symbolic link leads");
    is_eq(mount("x", "d", "tmpfs", 0xC0ED0000, ",,size=4k,,"), 0);
    is_errno(umount2("d", 16), EINVAL);
    is_errno(umount2("f", 0), EINVAL);
    is_errno(umount2("missing", 0), ENOENT);
    is_errno(umount2("l", UMOUNT_NOFOLLOW_), EINVAL);
    is_eq(umount2("l", 0), 0);
    is_eq(umount2("d", 0), 0);
    is_errno(umount2("d", 0), EINVAL);
    pid_t pid = must(fork());
    if (!pid) {
        int bad = 0;
        must(setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY));
        bad |= mount("x", "d", "tmpfs", 0, NULL) != -1 || errno != EPERM;
        bad |= (mount("x", "missing", "tmpfs", 0, NULL) != -1 || errno != ENOENT) << 1;
        bad |= (mount(NULL, "d", NULL, MS_PRIVATE | MS_SHARED, NULL) != -1 || errno != EPERM) << 2;
        bad |= (umount2("d", 0) != -1 || errno != EPERM) << 3;
        bad |= (syscall(SYS_pivot_root, "missing", "d") != -1 || errno != EPERM) << 4;
        _exit(bad);
    }
    int status;
    must(waitpid(pid, &status, 0));
    is_eq(status, 0);
    done();
}
