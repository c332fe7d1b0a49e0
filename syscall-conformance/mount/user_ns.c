/*
 * user_namespaces(7), mount_namespaces(7): an ordinary user who is root of a user namespace may
 * mount what hides and reveals nothing, and take no restriction off what came from above.
 */
#include "user_ns.h"

static void outside(void *arg)
{
    (void)arg;
    be_user();
    SAYS(mount("x", "d", "tmpfs", 0, NULL));
    SAYS(mount("x", "d", "overlay", 0, "lowerdir=tree:d"));
    SAYS(mount("tree", "d", NULL, MS_BIND, NULL));
    SAYS(mount(NULL, "own", NULL, MS_REMOUNT | MS_BIND, NULL));
    SAYS(unshare(CLONE_NEWNS));
    SAYS(LONG(SYS_fsopen, "tmpfs", 0));
    SAYS(LONG(SYS_open_tree, AT_FDCWD, "tree", OPEN_TREE_CLONE));
    SAYS(LONG(SYS_open_tree, AT_FDCWD, "tree", 0));
    must(unshare(CLONE_NEWUSER));
    /* All capabilities, but the mounts are still of the namespace above. */
    SAYS(mount("x", "d", "tmpfs", 0, NULL));
    SAYS(mount("tree", "d", NULL, MS_BIND, NULL));
    SAYS(umount2("own", 0));
    SAYS(LONG(SYS_fsopen, "tmpfs", 0));
    SAYS(unshare(CLONE_NEWNS));
    SAYS(mount("x", "d", "tmpfs", 0, NULL));
    /* Nobody's directory is made for an id that has no mapping. */
    SAYS(mkdir("d/e", 0700));
}

static void types(void *arg)
{
    (void)arg;
    be_user();
    be_root_inside(CLONE_NEWNS);
    SAYS(mount("x", "d", "tmpfs", 0, "size=1m,nr_inodes=9,mode=700"));
    SAYS(mount("x", "d", "tmpfs", 0, "uid=0,gid=0"));
    SAYS(mount("x", "d", "tmpfs", 0, "uid=1"));
    SAYS(mount("x", "d", "tmpfs", 0, "gid=1000"));
    SAYS(mount("x", "d", "ramfs", 0, NULL));
    SAYS(mount("x", "d", "devpts", 0, "newinstance"));
    SAYS(mount("x", "d", "devtmpfs", 0, NULL));
    SAYS(mount("x", "d", "proc", 0, NULL));
    SAYS(mount("x", "d", "sysfs", 0, NULL));
    SAYS(mount("x", "d", "mqueue", 0, NULL));
    SAYS(mount("x", "d", "no-such-type", 0, NULL));
    SAYS(unshare(CLONE_NEWIPC));
    SAYS(mount("x", "d", "mqueue", 0, NULL));
    while (!umount2("d", 0))
        ;
    SAYS(mount("x", "d", "tmpfs", 0, NULL));
    SAYS(mknod("d/null", S_IFCHR | 0666, 0x103));
    SAYS(mknod("d/white", S_IFCHR, 0));
    SAYS(open("d/white", O_RDONLY));
    SAYS(mknod("d/block", S_IFBLK, 0));
    SAYS(mknod("d/fifo", S_IFIFO | 0600, 0));
    SAYS(mkdir("d/e", 0700));
    SAYS(chown("d/e", 0, 0));
    SAYS(chown("d/e", 1, -1));
    SAYS(chown("d/e", 1000, -1));
    SAYS(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SAYS(mkdir("d/f", 0700));
    SAYS(mount(NULL, "d", NULL, MS_REMOUNT, "size=2m"));
    SAYS(mkdir("d/f", 0700));
    /* File systems that were made above. */
    SAYS(mount(NULL, "own", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SAYS(mount(NULL, "own", NULL, MS_REMOUNT, "size=2m"));
}

static void binds(void *arg)
{
    (void)arg;
    be_user();
    be_root_inside(CLONE_NEWNS);
    SAYS(mount("own", "d", NULL, MS_BIND, NULL));
    SAYS(umount2("d", 0));
    /* What a mount hides would show. */
    SAYS(mount("tree", "d", NULL, MS_BIND, NULL));
    SAYS(mount("tree", "d", NULL, MS_BIND | MS_REC, NULL));
    SAYS(umount2("d/sub", 0));
    SAYS(umount2("d/sub", MNT_DETACH_));
    SAYS(mount("d/sub", "e", NULL, MS_MOVE, NULL));
    SAYS(umount2("d", 0));
    SAYS(umount2("d", MNT_DETACH_));
    SAYS(umount2("tree/sub", 0));
    SAYS(umount2("own", MNT_DETACH_));
    SAYS(mount("own", "d", NULL, MS_MOVE, NULL));
    SAYS(umount2("/proc", MNT_DETACH_));
    SAYS(LONG(SYS_open_tree, AT_FDCWD, "tree", OPEN_TREE_CLONE));
    SAYS(LONG(SYS_open_tree, AT_FDCWD, "tree", OPEN_TREE_CLONE | AT_RECURSIVE));
    SAYS(LONG(SYS_open_tree, AT_FDCWD, "own", OPEN_TREE_CLONE));
    /* Over what came from above one may mount, and take that off again. */
    SAYS(mount("x", "own", "tmpfs", 0, NULL));
    SAYS(umount2("own", 0));
    SAYS(umount2("own", 0));
    SAYS(mount("x", "tree/sub", "tmpfs", 0, NULL));
    SAYS(mount("tree/sub", "d", NULL, MS_MOVE, NULL));
    SAYS(umount2("d", 0));
}

static void flags(void *arg)
{
    (void)arg;
    be_user();
    be_root_inside(CLONE_NEWNS);
    SAYS(mount(NULL, "strict", NULL, MS_REMOUNT | MS_BIND, NULL));
    SAYS(mount(NULL, "strict", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    SAYS(
        mount(NULL, "strict", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    SAYS(mount(NULL, "strict", NULL,
               MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
               NULL));
    SAYS(mount(NULL, "strict", NULL,
               MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    SAYS(mount(NULL, "own", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    SAYS(mkdir("own/x", 0700));
    SAYS(mount(NULL, "own", NULL, MS_REMOUNT | MS_BIND, NULL));
    SAYS(mkdir("own/x", 0700));
    SAYS(rmdir("own/x"));
    SAYS(mount("strict", "d", NULL, MS_BIND, NULL));
    SAYS(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL));
    SAYS(mkdir("d/x", 0700));
    struct mount_attr less = {.attr_clr = MOUNT_ATTR_RDONLY},
                      noexec = {.attr_clr = MOUNT_ATTR_NOEXEC},
                      more = {.attr_set = MOUNT_ATTR_NOSYMFOLLOW},
                      time = {.attr_set = MOUNT_ATTR_NOATIME, .attr_clr = MOUNT_ATTR__ATIME};
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "strict", 0, &less, sizeof(less)));
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "d", 0, &less, sizeof(less)));
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "d", 0, &noexec, sizeof(noexec)));
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "d", 0, &time, sizeof(time)));
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "d", 0, &more, sizeof(more)));
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "own", 0, &time, sizeof(time)));
    SAYS(LONG(SYS_mount_setattr, AT_FDCWD, "own", 0, &more, sizeof(more)));
}

static void spreading(void *arg)
{
    (void)arg;
    be_user();
    be_root_inside(CLONE_NEWNS);
    row_add("shared above: shared %d, slave %d\n", has_option("shared", "shared:"),
            has_option("shared", "master:"));
    SAYS(mount("x", "shared/mine", "tmpfs", 0, NULL));
    SAYS(mount(NULL, "shared", NULL, MS_SHARED, NULL));
    row_add("then: shared %d, slave %d\n", has_option("shared", "shared:"),
            has_option("shared", "master:"));
    SAYS(mount(NULL, "shared", NULL, MS_PRIVATE, NULL));
    row_add("then: shared %d, slave %d\n", has_option("shared", "shared:"),
            has_option("shared", "master:"));
    SAYS(mount(NULL, "own", NULL, MS_UNBINDABLE, NULL));
    SAYS(mount("own", "d", NULL, MS_BIND, NULL));
    int up = open("/proc/1/ns/mnt", O_RDONLY);
    row_add("the namespace above: %s\n", up < 0 ? "not to be had" : says(setns(up, CLONE_NEWNS)));
}

static void nested(void *arg)
{
    (void)arg;
    be_user();
    be_root_inside(CLONE_NEWNS);
    SAYS(mount("x", "d", "tmpfs", MS_NODEV, NULL));
    SAYS(mkdir("d/a", 0755));
    SAYS(mount("x", "d/a", "tmpfs", 0, NULL));
    be_root_inside(0);
    SAYS(mount("x", "e", "tmpfs", 0, NULL));
    SAYS(umount2("d/a", 0));
    SAYS(unshare(CLONE_NEWNS));
    SAYS(umount2("d/a", 0));
    SAYS(umount2("d", MNT_DETACH_));
    SAYS(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL));
    SAYS(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL));
    SAYS(mount(NULL, "d", NULL, MS_REMOUNT, "size=3m"));
    SAYS(mount("d", "e", NULL, MS_BIND, NULL));
    SAYS(mount("d", "e", NULL, MS_BIND | MS_REC, NULL));
    /* In a namespace of the same user namespace nothing is locked anew. */
    SAYS(unshare(CLONE_NEWNS));
    SAYS(umount2("e/a", 0));
    SAYS(umount2("e", MNT_DETACH_));
    SAYS(mount("x", "e", "tmpfs", 0, NULL));
    SAYS(unshare(CLONE_NEWNS));
    SAYS(umount2("e", 0));
}

static void root_of_its_own(void *arg)
{
    (void)arg;
    be_user();
    be_root_inside(CLONE_NEWNS);
    SAYS(mount("x", "d", "tmpfs", 0, NULL));
    SAYS(mkdir("d/old", 0755));
    SAYS(mkdir("d/up", 0755));
    SAYS(LONG(SYS_pivot_root, "e", "e"));
    SAYS(mount("own", "e", NULL, MS_BIND, NULL));
    SAYS(LONG(SYS_pivot_root, "own", "own"));
    SAYS(LONG(SYS_pivot_root, "d", "d/old"));
    SAYS(chdir("/"));
    SAYS(access("/up", F_OK));
    SAYS(umount2("/old", 0));
    SAYS(umount2("/old/proc", MNT_DETACH_));
    SAYS(umount2("/old", MNT_DETACH_));
    SAYS(access("/old/proc", F_OK));
    SAYS(chroot("/up"));
    SAYS(unshare(CLONE_NEWUSER));
}

static void by_descriptors(void *arg)
{
    struct mount_attr idmap = {.attr_set = MOUNT_ATTR_IDMAP};
    int f, m, u;

    (void)arg;
    be_user();
    u = must(open("/proc/self/ns/user", O_RDONLY));
    be_root_inside(CLONE_NEWNS);
    SAYS(f = (int)LONG(SYS_fsopen, "tmpfs", 0));
    SAYS(LONG(SYS_fsconfig, f, FSCONFIG_SET_STRING, "uid", "1", 0));
    SAYS(LONG(SYS_fsconfig, f, FSCONFIG_SET_STRING, "size", "1m", 0));
    SAYS(LONG(SYS_fsconfig, f, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    SAYS(m = (int)LONG(SYS_fsmount, f, 0, MOUNT_ATTR_NOSUID));
    SAYS(LONG(SYS_move_mount, m, "", AT_FDCWD, "d", MOVE_MOUNT_F_EMPTY_PATH));
    SAYS(LONG(SYS_move_mount, AT_FDCWD, "d", AT_FDCWD, "e", 0));
    SAYS(LONG(SYS_move_mount, AT_FDCWD, "own", AT_FDCWD, "d", 0));
    SAYS(umount2("e", 0));
    SAYS(LONG(SYS_fsopen, "devtmpfs", 0));
    SAYS(LONG(SYS_fspick, AT_FDCWD, "own", 0));
    SAYS(m = (int)LONG(SYS_open_tree, AT_FDCWD, "own", OPEN_TREE_CLONE));
    idmap.userns_fd = (uint64_t)u;
    SAYS(LONG(SYS_mount_setattr, m, "", AT_EMPTY_PATH, &idmap, sizeof(idmap)));
    SAYS(LONG(SYS_move_mount, m, "", AT_FDCWD, "d", MOVE_MOUNT_F_EMPTY_PATH));
    SAYS(umount2("d", 0));
}

int main(void)
{
    static void (*const parts[])(void *) = {outside,   types,  binds,           flags,
                                            spreading, nested, root_of_its_own, by_descriptors};

    mnt_enter();
    must(chmod(".", 0777));
    open_to_all("d");
    open_to_all("e");
    open_to_all("own");
    tmpfs_on("own");
    must(chmod("own", 0777));
    open_to_all("tree");
    dir("tree/sub");
    tmpfs_on("tree/sub");
    dir("strict");
    must(mount("x", "strict", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, "mode=777"));
    must(mount(NULL, "strict", NULL,
               MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
               NULL));
    dir("shared");
    tmpfs_on("shared");
    must(mount(NULL, "shared", NULL, MS_SHARED, NULL));
    open_to_all("shared/mine");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        rows_of_child(parts[i], NULL);
    ok(!is_mounted("shared/mine"), "mounts of the user's are not seen above");
    ok(!is_mounted("d"), "nothing is left on d");
    done();
}
