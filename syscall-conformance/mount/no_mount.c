/* A file that no mount leads to, as a memfd, can be neither moved, bound, cloned nor changed. */
#include "../tap.h"
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIND 4096 /* MS_BIND; sys/mount.h does not go with linux/mount.h */
#define PRIVATE (1 << 18)

int main(void)
{
    char name[32];
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    int fd = memfd_create("x", 0);

    if (unshare(CLONE_NEWNS) || syscall(SYS_mount, NULL, "/", NULL, PRIVATE | 16384, NULL))
        skip("mounts need privileges");
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    is_errno(syscall(SYS_move_mount, fd, "", AT_FDCWD, "/tmp", 4), EINVAL);
    is_errno(syscall(SYS_move_mount, AT_FDCWD, "/tmp", fd, "", 0x40), EINVAL);
    is_errno(syscall(SYS_move_mount, fd, "", AT_FDCWD, "/", 0x100 | 4), EINVAL);
    is_errno(syscall(SYS_open_tree, fd, "", AT_EMPTY_PATH | 1), EINVAL);
    is_errno(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)), EINVAL);
    is_errno(syscall(SYS_fspick, fd, "", 8), EINVAL);
    is_errno(syscall(SYS_mount, name, "/etc/passwd", NULL, BIND, NULL), EINVAL);
    is_errno(syscall(SYS_mount, NULL, name, NULL, PRIVATE, NULL), EINVAL);
    is_errno(syscall(SYS_umount2, name, 0), EINVAL);
    done();
}
