/* Overlays by fsopen(2): layers one by one, by name or descriptor; what is wrong is EINVAL. */
#include "ovl.h"

static int set(int fs, const char *key, const char *value)
{
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

static int set_fd(int fs, const char *key, int fd)
{
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, key, NULL, fd);
}

static int create(int fs)
{
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static int open_fs(void)
{
    return (int)must(syscall(SYS_fsopen, "overlay", 0));
}

static void attach(int fs)
{
    int mnt = (int)must(syscall(SYS_fsmount, fs, 0, 0));

    is_eq(syscall(SYS_move_mount, mnt, "", AT_FDCWD, "m", MOVE_MOUNT_F_EMPTY_PATH), 0);
    close(mnt);
    close(fs);
}

int main(void)
{
    layers();
    put("a/f", "a");
    put("b/f", "b");
    put("b/g", "b");
    int fs = open_fs(), fd;
    is_eq(set(fs, "lowerdir+", "a"), 0);
    is_eq(set(fs, "lowerdir+", "b"), 0);
    is_errno(set(fs, "lowerdir+", "none"), ENOENT);
    is_errno(set(fs, "lowerdir+", "a/f"), EINVAL);
    is_errno(set(fs, "unknown", "a"), EINVAL);
    fd = (int)must(open("c", O_PATH | O_DIRECTORY));
    is_eq(set_fd(fs, "lowerdir+", fd), 0);
    is_errno(set_fd(fs, "lowerdir", fd), EINVAL);
    is_errno(set_fd(fs, "lowerdir+", 999), EBADF);
    close(fd);
    fd = (int)must(open("a/f", O_PATH));
    is_errno(set_fd(fs, "lowerdir+", fd), EINVAL);
    close(fd);
    is_errno(syscall(SYS_fsconfig, fs, FSCONFIG_SET_PATH, "upperdir", "u", AT_FDCWD), EINVAL);
    is_errno(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "upperdir", NULL, 0), EINVAL);
    is_eq(set(fs, "upperdir", "u"), 0);
    fd = (int)must(open("w", O_PATH | O_DIRECTORY));
    is_eq(set_fd(fs, "workdir", fd), 0);
    close(fd);
    is_eq(create(fs), 0);
    attach(fs);
    ok(content_is("m/f", "a") && content_is("m/g", "b"), "in the order they were named");
    put("m/f", "u");
    ok(content_is("u/f", "u"), "and an upper one");
    ok(has_option("m", "lowerdir+=a") == 1 && has_option("m", "lowerdir+=b") == 1, "shown so");
    fs = (int)must(syscall(SYS_fspick, AT_FDCWD, "m", 0));
    is_errno(set(fs, "redirect_dir", "on"), EINVAL);
    close(fs);
    gone();
    fs = open_fs();
    is_errno(create(fs), EINVAL);
    close(fs);
    fs = open_fs();
    is_eq(set(fs, "lowerdir", "a:b"), 0);
    is_eq(create(fs), 0);
    attach(fs);
    lists("m", "f g");
    gone();
    done();
}
