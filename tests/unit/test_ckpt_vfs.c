/* Checkpoints of names and files: a small tree is saved in one process, restored in another. */
#include "tests/unit/ckpt_tree.h"

/* --- comparing --- */
static void expect(const char *name, const void *data, size_t len)
{
    char buf[8192];
    struct file *f = open_at(name, O_RDONLY);

    ck_assert_int_eq(f->inode->size, len);
    ck_assert_int_eq(file_read_kernel(&task, f, buf, sizeof(buf), 0), len);
    ck_assert_msg(!memcmp(buf, data, len), "%s", name);
    file_put(f);
}

static int lookup(const char *name)
{
    struct path p = {0};
    int err = vfs_walk(&task, AT_FDCWD, name, WALK_NOFOLLOW, &p);

    path_put(&p);
    return err;
}

static void check_names(void)
{
    char *text, value[8];

    expect("/etc/hosts", "lower", 5);
    ck_assert_int_eq(lookup("/etc/passwd"), -ENOENT);
    ck_assert_int_eq(lookup("/lib/a"), -ENOENT);
    expect("/lib/b", "b", 1);
    expect("/lib/c", "cc", 2);
    expect("/bind/small", "small", 5);
    expect("one", "linked", 6); /* relative: the working directory */
    ck_assert_int_eq(lookup("/new/gone"), -ENOENT);
    ck_assert_int_eq(lookup("/detached/file"), -ENOENT);
    struct path p = walk("/new/link"), one = walk("/new/one"), two = walk("/new/two");
    ck_assert_int_eq(p.dentry->inode->ops->readlink(&task, p.dentry->inode, &text), 0);
    ck_assert_str_eq(text, "../etc/hosts");
    free(text);
    ck_assert_ptr_eq(one.dentry->inode, two.dentry->inode);
    ck_assert_int_eq(one.dentry->inode->nlink, 2);
    ck_assert_int_eq(one.dentry->inode->ops->getxattr(&task, one.dentry->inode, "user.x", value, 8),
                     5);
    ck_assert_int_eq(memcmp(value, "value", 5), 0);
    path_put(&p);
    path_put(&one);
    path_put(&two);
    struct path node = walk("/new/node");
    ck_assert_int_eq(node.dentry->inode->mode, S_IFCHR | 0600);
    ck_assert_int_eq(node.dentry->inode->rdev, makedev(9, 8));
    path_put(&node);
    struct path bind = walk("/bind");
    ck_assert(path_readonly(&bind));
    path_put(&bind);
    ck_assert_int_eq(task.fs->umask, 027);
}

static void check_big(void)
{
    static char want[BIG_SIZE], got[BIG_SIZE];
    struct file *f = fd_get(&task, FD_BIG);
    const struct inode *i = f->inode;
    char end[4] = "";

    fill_big(want);
    ck_assert_ptr_nonnull(TMPFS_I(i)->image);
    ck_assert_int_eq(i->size, HOLE_AT + 3);
    ck_assert_int_eq(file_read_kernel(&task, f, got, BIG_SIZE, 0), BIG_SIZE);
    ck_assert_int_eq(memcmp(got, want, BIG_SIZE), 0);
    ck_assert_int_eq(file_read_kernel(&task, f, end, 3, HOLE_AT), 3);
    ck_assert_str_eq(end, "end");
    ck_assert_int_eq(file_read_kernel(&task, f, end, 3, HOLE_AT / 2), 3);
    ck_assert_int_eq(end[0] | end[1] | end[2], 0);
    ck_assert_ptr_nonnull(TMPFS_I(i)->image); /* reading has copied nothing */
    put_at(f, "X", 1, 10);
    ck_assert_ptr_null(TMPFS_I(i)->image);
    want[10] = 'X';
    ck_assert_int_eq(file_read_kernel(&task, f, got, BIG_SIZE, 0), BIG_SIZE);
    ck_assert_int_eq(memcmp(got, want, BIG_SIZE), 0);
    ck_assert_int_lt(i->blocks, 2 * (BIG_SIZE >> 9));
    ck_assert_int_eq(fd_cloexec(&task, FD_LAST), 1);
    ck_assert_int_eq(fd_cloexec(&task, FD_BIG), 0);
    struct file *again = fd_get(&task, FD_LAST);
    ck_assert_ptr_eq(again, f);
    file_put(again);
    struct file *other = open_at("/new/big", O_RDWR);
    install(other, 50, false);
    struct sysargs a = {.arg = {50, LOCK_EX | LOCK_NB}};
    ck_assert_int_eq(sys_flock(&task, &a), -EAGAIN);
    ck_assert_int_eq(fd_close(&task, 50), 0);
    file_put(f);
}

static void check_nameless(void)
{
    static char want[BIG_SIZE], got[8192];
    struct uio u;

    fill_big(want);
    struct file *f = fd_get(&task, FD_GONE);
    ck_assert_int_eq(f->path.dentry->hashed, 0);
    ck_assert_int_eq(file_read_kernel(&task, f, got, sizeof(got), 0), 5000);
    ck_assert_int_eq(memcmp(got, want, 5000), 0);
    file_put(f);
    f = fd_get(&task, FD_TMPFILE);
    ck_assert(f->path.dentry->inode->may_link);
    put_at(f, "tmp", 3, 0);
    file_put(f);
    f = fd_get(&task, FD_MEMFD);
    ck_assert_int_eq(TMPFS_I(f->inode)->seals, F_SEAL_WRITE | F_SEAL_SHRINK);
    int fd = tmpfs_host_fd(f);
    ck_assert_int_ge(fd, 0);
    ck_assert(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE);
    ck_assert_int_eq(file_read_kernel(&task, f, got, sizeof(got), 0), 6);
    ck_assert_int_eq(memcmp(got, "sealed", 6), 0);
    uio_init_kernel(&u, UIO_SOURCE, got, 1);
    loff_t pos = 0;
    ck_assert_int_eq(file_write(&task, f, &u, &pos, 0), -EPERM);
    file_put(f);
    f = fd_get(&task, FD_DETACHED);
    put_at(f, "x", 1, 0);
    file_put(f);
}

static int nlisted;

static bool count(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                  unsigned char type)
{
    nlisted++;
    c->pos = off;
    ck_assert(!(len == 1 && name[0] == 'c')); /* made after reading began */
    return true;
}

static void check_files(void)
{
    struct dir_context rest = {.emit = count};
    struct file *f = fd_get(&task, FD_DIR);
    char text[64];

    rest.pos = f->pos;
    ck_assert_int_eq(rest.pos, 2);
    ck_assert_int_eq(f->ops->readdir(&task, f, &rest), 0);
    ck_assert_int_eq(nlisted, 1); /* "b"; "." and ".." have been read */
    ck_assert_int_eq(fd_cloexec(&task, FD_DIR), 1);
    file_put(f);
    f = fd_get(&task, FD_HOSTS);
    ck_assert_int_eq(f->pos, 3);
    ck_assert_int_eq(f->flags & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
    ck_assert_int_eq(f->text->write_count, 1);
    file_put(f);
    f = fd_get_path_ok(&task, FD_PATH);
    ck_assert(S_ISLNK(f->inode->mode) && f->flags & O_PATH);
    file_put(f);
    f = fd_get(&task, FD_PROC);
    ck_assert_int_eq(file_read_kernel(&task, f, text, 5, 5), 5);
    ck_assert_int_eq(memcmp(text, " vers", 5), 0);
    file_put(f);
    f = fd_get(&task, FD_NULL);
    ck_assert_int_eq(file_read_kernel(&task, f, text, 5, 0), 0);
    file_put(f);
    f = fd_get(&task, FD_LOWER);
    ck_assert_int_eq(file_read_kernel(&task, f, text, 5, 0), 1);
    file_put(f);
}

START_TEST(round_trip)
{
    char why[256];

    make_image(NULL);
    start();
    ck_assert_int_eq(memdev_init(), 0);
    ck_assert_msg(load(image.data, image.len, why), "%s", why);
    check_names();
    check_big();
    check_nameless();
    check_files();
    make_file("/new/more", "more", 4);
    expect("/new/more", "more", 4);
    remove_at("/etc/hosts");
    fdtable_put(task.fds);
}
END_TEST

/* What has been restored is saved again, and all is still there. */
START_TEST(second_generation)
{
    char why[256], name[64];
    int status;

    make_image(NULL);
    int kernel = memfd_create("kernel", 0), pages = memfd_create("pages", 0);
    pid_t pid = fork();
    if (!pid) {
        start();
        memdev_init();
        if (!load(image.data, image.len, why))
            _exit(1);
        image.kernel = kernel;
        image.pages = pages;
        save();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    size_t len = (size_t)lseek(kernel, 0, SEEK_END);
    ck_assert_int_eq(len, image.len);
    ck_assert_int_eq(pread(kernel, image.data, len, 0), len);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", pages);
    ck_assert_int_eq(ckpt_pages_use(open(name, O_RDONLY)), 0);
    start();
    memdev_init();
    ck_assert_msg(load(image.data, len, why), "%s", why);
    check_names();
    check_big();
    check_nameless();
    check_files();
}
END_TEST

UNIT_MAIN("ckpt_vfs", NULL, NULL, round_trip, second_generation)
