/* fsopen(2), fsconfig(2), fsmount(2), fspick(2): phases, errors and messages. */
#include "mnt.h"

static int fsopen_(const char *type, unsigned flags)
{
    return (int)syscall(SYS_fsopen, type, flags);
}
static int config(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
    return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}
static int fsmount_(int fd, unsigned flags, unsigned attr)
{
    return (int)syscall(SYS_fsmount, fd, flags, attr);
}
static int move_to(int fd, const char *to)
{
    return (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
}

int main(void)
{
    char msg[256];
    struct statfs s;
    struct stat st;

    mnt_enter();
    dir("m");
    is_errno(fsopen_("no-such-type", 0), ENODEV);
    is_errno(fsopen_("tmpfs", 2), EINVAL);
    is_errno(fsopen_(NULL, 0), EFAULT);
    int fd = fsopen_("tmpfs", FSOPEN_CLOEXEC);
    ok(fd >= 0, "fsopen of a tmpfs");
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_errno(read(fd, msg, sizeof(msg)), ENODATA);
    is_errno(fsmount_(fd, 0, 0), EINVAL);
    is_errno(config(fd, FSCONFIG_SET_STRING, "size", NULL, 0), EINVAL);
    is_errno(config(fd, FSCONFIG_SET_STRING, NULL, "1", 0), EINVAL);
    is_errno(config(fd, FSCONFIG_SET_STRING, "size", "1", 1), EINVAL);
    is_errno(config(fd, FSCONFIG_SET_FLAG, "ro", "x", 0), EINVAL);
    is_errno(config(fd, FSCONFIG_CMD_CREATE, "x", NULL, 0), EINVAL);
    is_errno(config(fd, 77, NULL, NULL, 0), EOPNOTSUPP);
    is_errno(config(-1, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EINVAL);
    is_errno(config(900, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBADF);
    is_errno(config(0, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EINVAL);
    is_errno(config(fd, FSCONFIG_SET_STRING, "nonsense", "1", 0), EINVAL);
    ssize_t n = read(fd, msg, sizeof(msg));
    ok(n > 0 && !strncmp(msg, "e ", 2) && memmem(msg, (size_t)n, "nonsense", 8),
       "the message is an error that names the parameter");
    is_errno(config(fd, FSCONFIG_SET_STRING, "size", "much", 0), EINVAL);
    is_errno(read(fd, msg, 4), EMSGSIZE);
    read(fd, msg, sizeof(msg)); /* older kernels have dropped it */
    is_errno(read(fd, msg, sizeof(msg)), ENODATA);
    is_errno(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), EBUSY);
    is_eq(config(fd, FSCONFIG_SET_STRING, "size", "64k", 0), 0);
    is_eq(config(fd, FSCONFIG_SET_STRING, "mode", "700", 0), 0);
    is_eq(config(fd, FSCONFIG_SET_STRING, "source", "here", 0), 0);
    is_errno(config(fd, FSCONFIG_SET_STRING, "source", "again", 0), EINVAL);
    is_eq(config(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0), 0);
    is_eq(config(fd, FSCONFIG_SET_FLAG, "rw", NULL, 0), 0);
    is_eq(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
    is_errno(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
    is_errno(config(fd, FSCONFIG_SET_STRING, "size", "8k", 0), EBUSY);
    is_errno(fsmount_(fd, 2, 0), EINVAL);
    is_errno(fsmount_(fd, 0, 0x40000000), EINVAL);
    is_errno(fsmount_(fd, 0, MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME), EINVAL);
    is_errno(fsmount_(0, 0, 0), EINVAL);
    is_errno(fsmount_(900, 0, 0), EBADF);
    int m = fsmount_(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    ok(m >= 0, "fsmount");
    is_errno(fsmount_(fd, 0, 0), EBUSY);
    is_eq(mkdirat(m, "early", 0755), 0);
    is_errno(read(m, msg, 1), EBADF);
    is_eq(move_to(m, "m"), 0);
    ok(exists("m/early"), "what was made before is there");
    ok(has_option("m", "nodev") == 1 && has_option("m", "noexec") == 1, "the attributes are");
    ok(has_option("m", "here") == 1, "the source is");
    must(statfs("m", &s));
    is_eq(s.f_blocks, 16);
    must(stat("m", &st));
    is_eq(st.st_mode & 07777, 0700);
    is_errno(move_to(m, "m"), ELOOP);
    close(m);
    ok(is_mounted("m"), "it stays when the descriptor goes");
    close(fd);
    is_errno(syscall(SYS_fspick, AT_FDCWD, "m/early", 0), EINVAL);
    is_errno(syscall(SYS_fspick, AT_FDCWD, "m", 0x100), EINVAL);
    is_errno(syscall(SYS_fspick, AT_FDCWD, "missing", 0), ENOENT);
    fd = (int)syscall(SYS_fspick, AT_FDCWD, "m", FSPICK_CLOEXEC);
    ok(fd >= 0, "fspick");
    is_errno(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
    is_eq(config(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0), 0);
    is_eq(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), 0);
    is_errno(mkdir("m/late", 0700), EROFS);
    is_eq(config(fd, FSCONFIG_SET_FLAG, "rw", NULL, 0), 0);
    is_eq(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), 0);
    is_eq(mkdir("m/late", 0700), 0);
    close(fd);
    /* A file system that is mounted nowhere goes with its descriptors. */
    fd = must(fsopen_("tmpfs", 0));
    must(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    m = must(fsmount_(fd, 0, 0));
    is_eq(mkdirat(m, "x", 0700), 0);
    int x = must(openat(m, "x", O_RDONLY | O_DIRECTORY));
    close(m);
    close(fd);
    is_eq(mkdirat(x, "y", 0700), 0);
    close(x);
    done();
}
