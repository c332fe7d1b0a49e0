/* open_tree(2), move_mount(2): detached copies of trees, and where they may go. */
#include "mnt.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int tree(const char *name, unsigned flags)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, name, flags);
}
static int move(int fd, const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_move_mount, fd, from, AT_FDCWD, to, flags);
}

int main(void)
{
    mnt_enter();
    dir("a");
    dir("b");
    dir("c");
    touch("f");
    tmpfs_on("a");
    dir("a/in");
    tmpfs_on("a/in");
    touch("a/in/f");
    is_errno(tree("a", 0x10), EINVAL);
    is_errno(tree("a", AT_RECURSIVE), EINVAL);
    is_errno(tree("missing", OPEN_TREE_CLONE), ENOENT);
    int fd = tree("a", OPEN_TREE_CLOEXEC);
    ok(fd >= 0, "without OPEN_TREE_CLONE: the path");
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ok(fcntl(fd, F_GETFL) & O_PATH, "as O_PATH has it");
    is_errno(move(fd, "", "a/in", MOVE_MOUNT_F_EMPTY_PATH), ELOOP);
    is_eq(move(fd, "", "b", MOVE_MOUNT_F_EMPTY_PATH), 0);
    ok(is_mounted("b/in") && !is_mounted("a"), "what is attached moves");
    is_eq(move(AT_FDCWD, "b", "a", 0), 0);
    close(fd);
    fd = tree("a", OPEN_TREE_CLONE);
    ok(fd >= 0, "a copy of one mount");
    ok(!faccessat(fd, "in", F_OK, 0) && faccessat(fd, "in/f", F_OK, 0), "of that alone");
    is_errno(mount("x", "/proc/self/fd/0/nowhere", "tmpfs", 0, NULL), ENOTDIR);
    is_errno(move(fd, "in", "b", 0), EINVAL);
    is_errno(move(fd, "", "f", MOVE_MOUNT_F_EMPTY_PATH), EINVAL);
    is_errno(move(fd, "", "missing", MOVE_MOUNT_F_EMPTY_PATH), ENOENT);
    is_errno(move(fd, "", "b", 0), ENOENT);
    is_errno(move(fd, "", "b", MOVE_MOUNT_F_EMPTY_PATH | 0x1000), EINVAL);
    is_eq(move(fd, "", "b", MOVE_MOUNT_F_EMPTY_PATH), 0);
    ok(is_mounted("b") && exists("b/in") && !exists("b/in/f"), "is mounted");
    close(fd);
    ok(is_mounted("b"), "and stays");
    must(umount2("b", 0));
    fd = tree("a", OPEN_TREE_CLONE | AT_RECURSIVE);
    ok(!faccessat(fd, "in/f", F_OK, 0), "a copy with all on it");
    must(umount2("a", MNT_DETACH_));
    ok(!faccessat(fd, "in/f", F_OK, 0), "that lives on its own");
    is_eq(move(fd, "", "c", MOVE_MOUNT_F_EMPTY_PATH), 0);
    ok(is_mounted("c/in") && exists("c/in/f"), "all of it is mounted");
    close(fd);
    fd = tree("c/in", OPEN_TREE_CLONE);
    int f = must(openat(fd, "f", O_RDONLY));
    close(fd);
    char name[64], where[PATH_MAX];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", f);
    ssize_t n = readlink(name, where, sizeof(where) - 1);
    where[n > 0 ? n : 0] = 0;
    ok(!strcmp(where, "/f"), "a file of a copy that is gone has the rest of its name");
    close(f);
    fd = tree("f", OPEN_TREE_CLONE);
    ok(fd >= 0, "a copy may begin at a file");
    touch("g");
    is_eq(move(fd, "", "g", MOVE_MOUNT_F_EMPTY_PATH), 0);
    ok(is_mounted("g"), "and is mounted on one");
    close(fd);
    /* Shared: the copy is a peer. */
    must(mount(NULL, "c", NULL, MS_SHARED, NULL));
    fd = must(tree("c", OPEN_TREE_CLONE));
    is_eq(move(fd, "", "b", MOVE_MOUNT_F_EMPTY_PATH), 0);
    close(fd);
    dir("c/new");
    tmpfs_on("c/new");
    ok(is_mounted("b/new"), "a copy of a shared mount is its peer");
    must(umount2("b/new", 0));
    ok(!is_mounted("c/new"), "in both directions");
    /* Beneath what is there. */
    dir("t");
    tmpfs_on("t");
    touch("t/top");
    fd = must(tree("g", OPEN_TREE_CLONE));
    is_errno(move(fd, "", "t", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH), EINVAL);
    close(fd);
    fd = must(tree("c/in", OPEN_TREE_CLONE));
    must((int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH,
                      &(struct mount_attr){.propagation = MS_PRIVATE}, sizeof(struct mount_attr)));
    is_errno(move(fd, "", "new_place_that_is_none", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH),
             ENOENT);
    is_eq(move(fd, "", "t", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH), 0);
    close(fd);
    ok(exists("t/top"), "the old mount is still on top");
    must(umount2("t", 0));
    ok(exists("t/f"), "and the new one is beneath");
    done();
}
