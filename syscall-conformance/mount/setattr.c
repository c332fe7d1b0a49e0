/* mount_setattr(2): attributes and propagation of one mount or of all beneath. */
#include "mnt.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int set(const char *name, unsigned flags, uint64_t attr_set, uint64_t clr, uint64_t prop)
{
    struct mount_attr a = {.attr_set = attr_set, .attr_clr = clr, .propagation = prop};

    return (int)syscall(SYS_mount_setattr, AT_FDCWD, name, flags, &a, sizeof(a));
}

int main(void)
{
    struct {
        struct mount_attr a;
        uint64_t more;
    } big = {.a = {.attr_set = MOUNT_ATTR_RDONLY}};

    mnt_enter();
    dir("a");
    tmpfs_on("a");
    dir("a/in");
    tmpfs_on("a/in");
    is_errno(set("a", 1, MOUNT_ATTR_RDONLY, 0, 0), EINVAL);
    is_errno(set("a", 0, 0x40000000, 0, 0), EINVAL);
    is_errno(set("a", 0, 0, 0, MS_SHARED | MS_PRIVATE), EINVAL);
    is_errno(set("a", 0, 0, 0, MS_REC), EINVAL);
    is_errno(set("a", 0, MOUNT_ATTR_NOATIME, 0, 0), EINVAL);
    is_errno(set("a", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NOATIME, 0), EINVAL);
    is_errno(set("a", 0, MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0),
             EINVAL);
    is_errno(set("missing", 0, MOUNT_ATTR_RDONLY, 0, 0), ENOENT);
    is_eq(set("missing", 0, 0, 0, 0), 0);
    is_errno(set("a/in/..", 0, 0, MOUNT_ATTR_IDMAP, 0), EINVAL);
    is_errno(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &big, 8), EINVAL);
    is_errno(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &big, 5000), E2BIG);
    is_errno(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, BAD_PTR, 32), EFAULT);
    big.more = 1;
    is_errno(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &big, sizeof(big)), E2BIG);
    big.more = 0;
    is_eq(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &big, sizeof(big)), 0);
    ok(has_option("a", "ro") == 1 && has_option("a/in", "ro") == 0, "one mount");
    is_errno(mkdir("a/x", 0700), EROFS);
    is_eq(mkdir("a/in/x", 0700), 0);
    is_errno(set("a/in/x", 0, MOUNT_ATTR_RDONLY, 0, 0), EINVAL);
    is_eq(set("a", AT_RECURSIVE, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, 0), 0);
    ok(has_option("a", "ro") == 0 && has_option("a", "nodev") == 1 &&
           has_option("a/in", "nosuid") == 1,
       "all beneath");
    is_eq(set("a", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0), 0);
    ok(has_option("a", "noatime") == 1 && has_option("a", "relatime") == 0, "noatime");
    is_eq(set("a", 0, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0), 0);
    ok(has_option("a", "noatime") == 0 && has_option("a", "relatime") == 0, "strictatime");
    is_eq(set("a", 0, 0, MOUNT_ATTR__ATIME, 0), 0);
    ok(has_option("a", "relatime") == 1, "relatime");
    int fd = must(open("a/in/f", O_CREAT | O_WRONLY, 0600));
    is_errno(set("a", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0), EBUSY);
    ok(has_option("a", "ro") == 0, "all or nothing");
    close(fd);
    is_eq(set("a", AT_RECURSIVE, 0, 0, MS_SHARED), 0);
    ok(has_option("a", "shared:") == 1 && has_option("a/in", "shared:") == 1, "propagation");
    is_eq(set("a", 0, 0, 0, MS_PRIVATE), 0);
    ok(has_option("a", "shared:") == 0 && has_option("a/in", "shared:") == 1, "of one");
    is_eq(set("a", 0, MOUNT_ATTR_NOSYMFOLLOW, 0, 0), 0);
    must(symlink("in", "a/l"));
    is_errno(open("a/l", O_RDONLY), ELOOP);
    done();
}
