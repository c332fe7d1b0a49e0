/* Path walking over a tmpfs: symlinks, "..", mounts, slashes, the dentry cache, openat2's limits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/vfs.h"
#include "tests/unit/unit.h"

static struct task task;
static struct thread_group group;

/* --- building the tree --- */
static struct dentry *slot(const char *name, struct path *dir)
{
    struct dentry *d;
    char *last;
    bool trailing;

    ck_assert_int_eq(vfs_walk_parent(&task, AT_FDCWD, name, 0, dir, &last, &trailing), 0);
    ck_assert_int_eq(vfs_lookup(&task, dir, last, strlen(last), &d), 0);
    ck_assert_ptr_null(d->inode);
    free(last);
    return d;
}

static void make_dir(const char *name)
{
    struct path dir = {0};
    struct dentry *d = slot(name, &dir);
    struct inode *i = dir.dentry->inode;

    ck_assert_int_eq(i->ops->mkdir(&task, i, d, S_IFDIR | 0755), 0);
    dentry_put(d);
    path_put(&dir);
}

static void make_link(const char *name, const char *target)
{
    struct path dir = {0};
    struct dentry *d = slot(name, &dir);
    struct inode *i = dir.dentry->inode;

    ck_assert_int_eq(i->ops->symlink(&task, i, d, target), 0);
    dentry_put(d);
    path_put(&dir);
}

static void make_file(const char *name)
{
    ck_assert_int_eq(vfs_mknod(&task, AT_FDCWD, name, S_IFREG | 0644, 0, NULL), 0);
}

static void mount_tmpfs(const char *name)
{
    struct superblock *sb;
    struct path at = {0};

    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, name, 0, &at), 0);
    ck_assert_int_eq(tmpfs_new(0, 0, 0755, &sb), 0);
    ck_assert_int_eq(vfs_mount(&at, sb, 0, NULL), 0);
    path_put(&at);
}

static void setup(void)
{
    struct superblock *sb;

    for (int i = 0; i < RLIM_NLIMITS; i++)
        group.rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    group.rlim[RLIMIT_NOFILE].rlim_cur = 16;
    task.tg = &group;
    task.cred = cred_new(0, 0);
    task.fds = fdtable_new();
    ck_assert_int_eq(tmpfs_new(0, 0, 0755, &sb), 0);
    ck_assert_int_eq(mount_ns_init(sb, 0), 0);
    struct path root = {root_mount_ns->root, sb->root};
    task.fs = fs_context_new(&root);
    make_dir("/a");
    make_dir("/a/b");
    make_file("/a/file");
    make_link("/a/up", "../a/b");
    make_link("/abs", "/a/b");
    make_link("/chain", "abs");
    make_link("/tofile", "a/file");
    make_link("/filechain", "tofile");
    make_link("/loop", "loop");
    make_link("/dangling", "nothing/here");
}

/* The errno of a walk, or 0 and then where must be the place reached. */
static int walk(const char *name, unsigned int flags, const char *where)
{
    struct path p = {0};
    char *s = NULL;
    int err = vfs_walk(&task, AT_FDCWD, name, flags, &p);

    if (err)
        return -err;
    ck_assert_int_eq(vfs_path_string(&task, &p, &s), 0);
    if (where)
        ck_assert_str_eq(s, where);
    free(s);
    path_put(&p);
    return 0;
}

START_TEST(plain_names)
{
    ck_assert_int_eq(walk("/", 0, "/"), 0);
    ck_assert_int_eq(walk("a/b", 0, "/a/b"), 0);
    ck_assert_int_eq(walk("//a//./b/.", 0, "/a/b"), 0);
    ck_assert_int_eq(walk("/a/b/../file", 0, "/a/file"), 0);
    ck_assert_int_eq(walk("/../../a", 0, "/a"), 0);
    ck_assert_int_eq(walk("", 0, NULL), ENOENT);
    ck_assert_int_eq(walk("", WALK_EMPTY_PATH, "/"), 0);
    ck_assert_int_eq(walk("/a/nothing", 0, NULL), ENOENT);
    ck_assert_int_eq(walk("/a/nothing/more", 0, NULL), ENOENT);
    ck_assert_int_eq(walk("/a/file/more", 0, NULL), ENOTDIR);
    ck_assert_int_eq(walk("/a/file/.", 0, NULL), ENOTDIR);
    ck_assert_int_eq(walk("/a/file/..", 0, NULL), ENOTDIR);
    ck_assert_int_eq(walk("/a/file", WALK_DIRECTORY, NULL), ENOTDIR);
}
END_TEST

START_TEST(long_names)
{
    char name[300];

    memset(name, 'x', sizeof(name));
    name[255] = 0;
    ck_assert_int_eq(walk(name, 0, NULL), ENOENT);
    name[255] = 'x';
    name[256] = 0;
    ck_assert_int_eq(walk(name, 0, NULL), ENAMETOOLONG);
}
END_TEST

START_TEST(trailing_slashes)
{
    ck_assert_int_eq(walk("/a/b///", 0, "/a/b"), 0);
    ck_assert_int_eq(walk("/a/file/", 0, NULL), ENOTDIR);
    ck_assert_int_eq(walk("/tofile/", 0, NULL), ENOTDIR);
    ck_assert_int_eq(walk("/filechain/", 0, NULL), ENOTDIR);
    ck_assert_int_eq(walk("/chain/", WALK_NOFOLLOW, "/a/b"), 0);
}
END_TEST

START_TEST(symlinks)
{
    ck_assert_int_eq(walk("/a/up", 0, "/a/b"), 0);
    ck_assert_int_eq(walk("/a/up/../file", 0, "/a/file"), 0);
    ck_assert_int_eq(walk("/chain", 0, "/a/b"), 0);
    ck_assert_int_eq(walk("/chain", WALK_NOFOLLOW, "/chain"), 0);
    ck_assert_int_eq(walk("/chain/..", WALK_NOFOLLOW, "/a"), 0);
    ck_assert_int_eq(walk("/loop", 0, NULL), ELOOP);
    ck_assert_int_eq(walk("/loop", WALK_NOFOLLOW, "/loop"), 0);
    ck_assert_int_eq(walk("/dangling", 0, NULL), ENOENT);
}
END_TEST

START_TEST(forty_symlinks)
{
    char name[16], target[16];

    make_file("/l0");
    for (int i = 1; i <= 41; i++) {
        snprintf(name, sizeof(name), "/l%d", i);
        snprintf(target, sizeof(target), "l%d", i - 1);
        make_link(name, target);
    }
    ck_assert_int_eq(walk("/l40", 0, "/l0"), 0);
    ck_assert_int_eq(walk("/l41", 0, NULL), ELOOP);
}
END_TEST

START_TEST(resolve_limits)
{
    ck_assert_int_eq(walk("/a", WALK_BENEATH, NULL), EXDEV);
    ck_assert_int_eq(walk("a/../a/b", WALK_BENEATH, "/a/b"), 0);
    ck_assert_int_eq(walk("a/../..", WALK_BENEATH, NULL), EXDEV);
    ck_assert_int_eq(walk("abs", WALK_BENEATH, NULL), EXDEV);
    ck_assert_int_eq(walk("a/up", WALK_NO_SYMLINKS, NULL), ELOOP);
    struct path a = {0}, p = {0};
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/a", 0, &a), 0);
    ck_assert_int_eq(vfs_walk_from(&task, &a, "/../../b", WALK_IN_ROOT, &p), 0);
    ck_assert_str_eq(p.dentry->name, "b");
    path_put(&p);
    path_put(&a);
}
END_TEST

START_TEST(mounts)
{
    mount_tmpfs("/a/b");
    make_dir("/a/b/in");
    ck_assert_int_eq(walk("/abs/in", 0, "/a/b/in"), 0);
    ck_assert_int_eq(walk("/a/b/in/../../file", 0, "/a/file"), 0);
    ck_assert_int_eq(walk("a/b", WALK_NO_XDEV, NULL), EXDEV);
    struct path at = {0}, from = {0};
    make_dir("/bind");
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/bind", 0, &at), 0);
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/a", 0, &from), 0);
    ck_assert_int_eq(vfs_bind(&at, &from, true), 0);
    path_put(&at);
    path_put(&from);
    ck_assert_int_eq(walk("/bind/b/in", 0, "/bind/b/in"), 0);
    ck_assert_int_eq(walk("/bind/..", 0, "/"), 0);
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/bind", 0, &at), 0);
    ck_assert_int_eq(vfs_umount(&task, &at, 0), -EBUSY);
    ck_assert_int_eq(vfs_umount(&task, &at, MNT_DETACH), 0);
    /* A root that hangs nowhere does not lead out of itself. */
    struct path up = {0};
    ck_assert_int_eq(vfs_walk_from(&task, &at, "..", 0, &up), 0);
    ck_assert_ptr_eq(up.dentry, at.dentry);
    path_put(&up);
    path_put(&at);
    ck_assert_int_eq(walk("/bind/b", 0, NULL), ENOENT);
    ck_assert_int_eq(walk("/a/b/in", 0, "/a/b/in"), 0);
}
END_TEST

START_TEST(deep_mounts)
{
    struct path at = {0};

    for (int i = 0; i < 3000; i++)
        mount_tmpfs("/a");
    ck_assert_int_eq(walk("/a", 0, "/a"), 0);
    while (!vfs_walk(&task, AT_FDCWD, "/a", 0, &at) && at.mnt != root_mount_ns->root) {
        ck_assert_int_eq(vfs_umount(&task, &at, MNT_DETACH), 0);
        path_put(&at);
    }
    path_put(&at);
    ck_assert_int_eq(walk("/a/b", 0, "/a/b"), 0);
}
END_TEST

START_TEST(chroot_boundary)
{
    struct path p = {0};

    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/a", 0, &p), 0);
    path_put(&task.fs->root);
    task.fs->root = path_get(&p);
    path_put(&task.fs->cwd);
    task.fs->cwd = p;
    ck_assert_int_eq(walk("/..", 0, "/"), 0);
    ck_assert_int_eq(walk("../../b", 0, "/b"), 0);
    ck_assert_int_eq(walk("/a", 0, NULL), ENOENT);
}
END_TEST

START_TEST(negative_dentries)
{
    struct path root = {0};

    ck_assert_int_eq(walk("/later", 0, NULL), ENOENT);
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/", 0, &root), 0);
    struct dentry *d = dentry_cached(root.dentry, "later", 5);
    ck_assert_ptr_nonnull(d);
    ck_assert_ptr_null(d->inode);
    dentry_put(d);
    make_file("/later");
    ck_assert_int_eq(walk("/later", 0, "/later"), 0);
    path_put(&root);
}
END_TEST

static int try_open(const char *name, int flags, unsigned int resolve)
{
    struct file *f;
    int err = vfs_open(&task, AT_FDCWD, name, flags, 0644, resolve, &f);

    if (!err)
        file_put(f);
    return -err;
}

START_TEST(opening)
{
    ck_assert_int_eq(try_open("/a", O_RDONLY, 0), 0);
    ck_assert_int_eq(try_open("/a", O_WRONLY, 0), EISDIR);
    ck_assert_int_eq(try_open("/a", O_RDONLY | O_CREAT, 0), EISDIR);
    ck_assert_int_eq(try_open("/new", O_RDONLY, 0), ENOENT);
    ck_assert_int_eq(try_open("/new/", O_WRONLY | O_CREAT, 0), EISDIR);
    ck_assert_int_eq(try_open("/new", O_WRONLY | O_CREAT | O_EXCL, 0), 0);
    ck_assert_int_eq(try_open("/new", O_WRONLY | O_CREAT | O_EXCL, 0), EEXIST);
    ck_assert_int_eq(try_open("/chain", O_RDONLY | O_NOFOLLOW, 0), ELOOP);
    ck_assert_int_eq(try_open("/chain", O_PATH | O_NOFOLLOW, 0), 0);
    ck_assert_int_eq(try_open("/chain", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, 0), ENOTDIR);
    ck_assert_int_eq(try_open("/loop", O_WRONLY | O_CREAT, 0), ELOOP);
    ck_assert_int_eq(try_open("/dangling", O_WRONLY | O_CREAT, 0), ENOENT);
    ck_assert_int_eq(try_open("/dangling", O_WRONLY | O_CREAT | O_EXCL, 0), EEXIST);
    make_link("/maker", "a/made");
    ck_assert_int_eq(try_open("/maker", O_WRONLY | O_CREAT, 0), 0);
    ck_assert_int_eq(walk("/a/made", 0, "/a/made"), 0);
    make_link("/a/escape", "../outside");
    ck_assert_int_eq(try_open("a/escape", O_WRONLY | O_CREAT, WALK_BENEATH), 0);
    make_link("/escape", "../outside2");
    ck_assert_int_eq(try_open("escape", O_WRONLY | O_CREAT, WALK_BENEATH), EXDEV);
}
END_TEST

START_TEST(text_busy)
{
    struct file *exec, *writer;
    struct path p = {0};

    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/a/file", 0, &p), 0);
    ck_assert_int_eq(vfs_open_path(&task, &p, O_RDONLY | FILE_EXEC, &exec), -EACCES);
    p.dentry->inode->mode |= 0111;
    ck_assert_int_eq(vfs_open_path(&task, &p, O_RDONLY | FILE_EXEC, &exec), 0);
    ck_assert_int_eq(try_open("/a/file", O_RDWR, 0), ETXTBSY);
    ck_assert_int_eq(try_open("/a/file", O_RDONLY, 0), 0);
    file_put(exec);
    ck_assert_int_eq(vfs_open_path(&task, &p, O_WRONLY, &writer), 0);
    ck_assert_int_eq(vfs_open_path(&task, &p, O_RDONLY | FILE_EXEC, &exec), -ETXTBSY);
    file_put(writer);
    ck_assert_int_eq(p.dentry->inode->write_count, 0);
    path_put(&p);
}
END_TEST

START_TEST(permission)
{
    struct path p = {0};

    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/a", 0, &p), 0);
    p.dentry->inode->mode = S_IFDIR | 0700;
    path_put(&p);
    cred_put(task.cred);
    task.cred = cred_new(1000, 1000);
    ck_assert_int_eq(walk("/a", 0, "/a"), 0);
    ck_assert_int_eq(walk("/a/b", 0, NULL), EACCES);
    ck_assert_int_eq(walk("/a/nothing", 0, NULL), EACCES);
    ck_assert_int_eq(try_open("/a/b", O_RDONLY, 0), EACCES);
    ck_assert_int_eq(try_open("/mine", O_WRONLY | O_CREAT, 0), EACCES);
}
END_TEST

START_TEST(descriptors)
{
    struct file *f;

    ck_assert_int_eq(vfs_open(&task, AT_FDCWD, "/a", O_RDONLY, 0, 0, &f), 0);
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(fd_install(&task, f, false, 0), i);
    ck_assert_int_eq(fd_install(&task, f, false, 0), -EMFILE);
    ck_assert_int_eq(fd_close(&task, 7), 0);
    ck_assert_int_eq(fd_close(&task, 3), 0);
    ck_assert_int_eq(fd_install(&task, f, true, 4), 7);
    ck_assert_int_eq(fd_install(&task, f, false, 0), 3);
    ck_assert(fd_cloexec(&task, 7) && !fd_cloexec(&task, 3));
    group.rlim[RLIMIT_NOFILE].rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(fd_install_at(&task, f, 1 << 30, false), -EBADF);
    fdtable_put(task.fds);
    ck_assert_uint_eq(f->refs, 1);
    file_put(f);
}
END_TEST

UNIT_MAIN("walk", setup, NULL, plain_names, long_names, trailing_slashes, symlinks, forty_symlinks,
          resolve_limits, mounts, deep_mounts, chroot_boundary, negative_dentries, opening,
          text_busy, permission, descriptors)
