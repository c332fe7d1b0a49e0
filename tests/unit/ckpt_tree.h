/* A small tree of names and files for tests of checkpoints: made, saved, and loaded again. */
#ifndef NV_TESTS_UNIT_CKPT_TREE_H
#define NV_TESTS_UNIT_CKPT_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/pages.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/vfs_internal.h"
#include "tests/unit/ckpt_root.h"
#include "tests/unit/unit.h"

#define BIG_SIZE (300L << 10)
#define HOLE_AT (1L << 30)

static struct task task;
static struct thread_group group;
static struct sandbox_spec spec = {.hostname = "host", .ncpus = 2, .stdio = {-1, -1, -1}};

/* --- building --- */
static void start(void)
{
    sandbox = &spec;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        group.rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    task.tg = &group;
    list_init(&group.tasks);
    task.cred = cred_new(0, 0);
}

static struct file *open_at(const char *name, int flags)
{
    struct file *f = NULL;
    int err = vfs_open(&task, AT_FDCWD, name, flags, 0644, 0, &f);

    ck_assert_msg(!err, "%s: %s", name, strerror(-err));
    return f;
}

static void put_at(struct file *f, const void *data, size_t len, loff_t pos)
{
    struct uio u;

    uio_init_kernel(&u, UIO_SOURCE, (void *)(uintptr_t)data, len);
    ck_assert_int_eq(file_write(&task, f, &u, &pos, 0), len);
}

static void make_file(const char *name, const void *data, size_t len)
{
    struct file *f = open_at(name, O_RDWR | O_CREAT);

    if (len)
        put_at(f, data, len, 0);
    file_put(f);
}

static void make_dir(const char *name)
{
    ck_assert_int_eq(vfs_mkdir(&task, name, 0755), 0);
}

static struct path walk(const char *name)
{
    struct path p;
    int err = vfs_walk(&task, AT_FDCWD, name, WALK_NOFOLLOW, &p);

    ck_assert_msg(!err, "%s: %s", name, strerror(-err));
    return p;
}

static void remove_at(const char *name)
{
    struct path p = walk(name);
    struct inode *dir = p.dentry->parent->inode;
    bool is_dir = S_ISDIR(p.dentry->inode->mode);

    ck_assert_int_eq((is_dir ? dir->ops->rmdir : dir->ops->unlink)(&task, dir, p.dentry), 0);
    dentry_drop(p.dentry);
    path_put(&p);
}

static void name_at(const char *name, const char *target, struct dentry *old)
{
    struct path dir = {0};
    char *last;
    bool trailing;
    struct dentry *d;

    ck_assert_int_eq(vfs_walk_parent(&task, AT_FDCWD, name, 0, &dir, &last, &trailing), 0);
    ck_assert_int_eq(vfs_lookup(&task, &dir, last, strlen(last), &d), 0);
    struct inode *i = dir.dentry->inode;
    if (target)
        ck_assert_int_eq(i->ops->symlink(&task, i, d, target), 0);
    else
        ck_assert_int_eq(i->ops->link(&task, old, i, d), 0);
    dentry_put(d);
    free(last);
    path_put(&dir);
}

static void mount_on(const char *name, int (*make)(struct superblock **))
{
    struct superblock *sb;
    struct path at = walk(name);

    ck_assert_int_eq(make(&sb), 0);
    ck_assert_int_eq(vfs_mount(&at, sb, MS_NOSUID, NULL), 0);
    path_put(&at);
}

static int plain_tmpfs(struct superblock **out)
{
    return tmpfs_new(0, 0, 0755, out);
}

/* The root: an overlay of two tmpfs; the lower one is filled first. */
static void make_root(void)
{
    struct superblock *lower, *upper, *root;

    ck_assert_int_eq(tmpfs_new(0, 0, 0755, &lower), 0);
    ck_assert_int_eq(tmpfs_new(0, 0, 0755, &upper), 0);
    ck_assert_int_eq(mount_ns_init(lower, 0), 0);
    struct path top = {root_mount_ns->root, lower->root};
    task.fs = fs_context_new(&top);
    make_dir("/etc");
    make_file("/etc/hosts", "lower", 5);
    make_file("/etc/passwd", "root", 4);
    make_dir("/lib");
    make_file("/lib/a", "a", 1);
    make_file("/lib/b", "b", 1);
    fs_context_put(task.fs);
    list_del(&root_mount_ns->root->node);
    root_mount_ns->root = NULL;
    ck_assert_int_eq(overlayfs_new(lower, upper, &root), 0);
    ck_assert_int_eq(mount_ns_init(root, 0), 0);
    top = (struct path){root_mount_ns->root, root->root};
    task.fs = fs_context_new(&top);
    task.fs->umask = 027;
}

static void install(struct file *f, int fd, bool cloexec)
{
    ck_assert_int_eq(fd_install_at(&task, f, fd, cloexec), fd);
    file_put(f);
}

static void fill_big(char *data)
{
    for (long i = 0; i < BIG_SIZE; i++)
        data[i] = (char)(i / 4096 % 5 == 3 ? 0 : i * 7 + 1);
}

enum {
    FD_DIR = 3,
    FD_HOSTS,
    FD_BIG,
    FD_GONE,
    FD_TMPFILE,
    FD_MEMFD,
    FD_PATH,
    FD_PROC,
    FD_NULL,
    FD_DETACHED,
    FD_LOWER,
    FD_LAST = 100
};

static bool stop_at_third(struct dir_context *c, const char *name, size_t len, loff_t off,
                          uint64_t ino, unsigned char type)
{
    if (off > 2)
        return false;
    c->pos = off;
    return true;
}

static void make_files(void)
{
    static char data[BIG_SIZE];
    struct dir_context some = {.emit = stop_at_third};

    fill_big(data);
    install(open_at("/lib", O_RDONLY | O_DIRECTORY), FD_DIR, true);
    struct file *f = fd_get(&task, FD_DIR);
    f->ops->readdir(&task, f, &some);
    f->pos = some.pos;
    file_put(f);
    install(open_at("/lib/b", O_RDONLY), FD_LOWER, false);
    make_file("/lib/c", "cc", 2);
    install(open_at("/etc/hosts", O_RDWR | O_APPEND), FD_HOSTS, false);
    f = fd_get(&task, FD_HOSTS);
    f->pos = 3;
    file_put(f);
    install(open_at("/new/big", O_RDWR | O_CREAT), FD_BIG, false);
    f = fd_get(&task, FD_BIG);
    put_at(f, data, BIG_SIZE, 0);
    put_at(f, "end", 3, HOLE_AT);
    file_put(f);
    install(open_at("/new/gone", O_RDWR | O_CREAT), FD_GONE, false);
    f = fd_get(&task, FD_GONE);
    put_at(f, data, 5000, 0);
    file_put(f);
    remove_at("/new/gone");
    install(open_at("/new", O_RDWR | O_TMPFILE), FD_TMPFILE, false);
    f = tmpfs_anon_file("memfd:m", O_RDWR, 0);
    put_at(f, "sealed", 6, 0);
    TMPFS_I(f->inode)->sealing = true;
    TMPFS_I(f->inode)->seals = F_SEAL_WRITE | F_SEAL_SHRINK;
    ck_assert_int_ge(tmpfs_host_fd(f), 0);
    install(f, FD_MEMFD, false);
    install(open_at("/new/link", O_PATH | O_NOFOLLOW), FD_PATH, false);
    install(open_at("/proc/version", O_RDONLY), FD_PROC, false);
    f = fd_get(&task, FD_PROC);
    char text[8];
    ck_assert_int_eq(file_read_kernel(&task, f, text, 5, 0), 5);
    f->pos = 5;
    file_put(f);
    install(open_at("/dev/null", O_RDWR), FD_NULL, false);
    install(open_at("/detached/file", O_RDWR | O_CREAT), FD_DETACHED, false);
    install(fd_get(&task, FD_BIG), FD_LAST, true);
}

static void make_tree(void)
{
    make_root();
    ck_assert_int_eq(memdev_init(), 0);
    task.fds = fdtable_new();
    remove_at("/etc/passwd");
    make_dir("/new");
    make_dir("/proc");
    make_dir("/dev");
    make_dir("/mnt");
    make_dir("/bind");
    make_dir("/detached");
    mount_on("/proc", procfs_new);
    mount_on("/dev", plain_tmpfs);
    ck_assert_int_eq(vfs_mknod(&task, AT_FDCWD, "/dev/null", S_IFCHR | 0666, makedev(1, 3), NULL),
                     0);
    mount_on("/mnt", plain_tmpfs);
    mount_on("/detached", plain_tmpfs);
    make_dir("/mnt/sub");
    make_file("/mnt/sub/small", "small", 5);
    struct path from = walk("/mnt/sub"), at = walk("/bind");
    ck_assert_int_eq(vfs_bind(&at, &from, false), 0);
    mount_at(at.mnt, at.dentry)->flags |= MS_RDONLY;
    path_put(&from);
    path_put(&at);
    name_at("/new/link", "../etc/hosts", NULL);
    make_file("/new/one", "linked", 6);
    struct path one = walk("/new/one");
    name_at("/new/two", NULL, one.dentry);
    const struct inode_ops *ops = one.dentry->inode->ops;
    ck_assert_int_eq(ops->setxattr(&task, one.dentry, "user.x", "value", 5, 0), 0);
    path_put(&one);
    ck_assert_int_eq(vfs_mknod(&task, AT_FDCWD, "/new/node", S_IFCHR | 0600, makedev(9, 8), NULL),
                     0);
    remove_at("/lib/a");
    make_files();
    struct path detached = walk("/detached");
    ck_assert_int_eq(vfs_umount(&task, &detached, MNT_DETACH), 0);
    path_put(&detached);
    struct sysargs a = {.arg = {FD_BIG, LOCK_EX}};
    ck_assert_int_eq(sys_flock(&task, &a), 0);
    path_put(&task.fs->cwd);
    task.fs->cwd = walk("/new");
}

/* --- saving and restoring --- */
static struct {
    int kernel, pages;
    size_t len;
    char *data;
} image;

static void save(void)
{
    struct ckpt_pages sink = {.fd = image.pages};
    struct root root = {root_mount_ns, task.fs, task.fds};
    struct ckpt_writer *w = ckpt_writer_new(1000, ckpt_pages_sink, &sink);
    const void *data;

    ckpt_save_root(w, &root_type, &root);
    int64_t len = ckpt_writer_finish(w, &data);
    if (len < 0)
        for (unsigned int i = 0; ckpt_refusal(w, i); i++)
            fprintf(stderr, "refused: %s\n", ckpt_refusal(w, i));
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(ckpt_pages_finish(&sink), 0);
    ck_assert_int_eq(write(image.kernel, data, (size_t)len), len);
    ckpt_writer_free(w);
}

/* In a process of its own, so that nothing of it is here. change: what is otherwise, may be NULL.
 */
static void make_image(void (*change)(void))
{
    char name[64];
    int status;

    image.kernel = memfd_create("kernel", 0);
    image.pages = memfd_create("pages", 0);
    pid_t pid = fork();
    if (!pid) {
        start();
        make_tree();
        if (change)
            change();
        save();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    image.len = (size_t)lseek(image.kernel, 0, SEEK_END);
    image.data = malloc(image.len);
    ck_assert_int_eq(pread(image.kernel, image.data, image.len, 0), image.len);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", image.pages);
    ck_assert_int_eq(ckpt_pages_use(open(name, O_RDONLY)), 0);
}

/* false: refused; why says so. */
static bool load(const char *data, size_t len, char why[256])
{
    struct ckpt_reader *r = ckpt_reader_new(data, len, 5000);
    struct root *root = ckpt_load_root(r, &root_type);

    bool whole = root && root->ns && root->fs && root->fds;
    snprintf(why, 256, "%s", ckpt_reader_error(r) ? ckpt_reader_error(r) : "");
    ckpt_reader_free(r);
    if (whole) {
        task.fs = root->fs;
        task.fds = root->fds;
    }
    free(root);
    return whole;
}

#endif
