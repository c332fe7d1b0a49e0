/* File contents of tmpfs against a model, and its limits. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/vfs.h"
#include "tests/unit/unit.h"

static struct task task;
static struct thread_group group;
static struct superblock *sb;

static void setup(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        group.rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    task.tg = &group;
    task.cred = cred_new(0, 0);
    task.fds = fdtable_new();
    ck_assert_int_eq(tmpfs_new(1 << 20, 0, 0755, &sb), 0);
    ck_assert_int_eq(mount_ns_init(sb, 0), 0);
    struct path root = {root_mount_ns->root, sb->root};
    task.fs = fs_context_new(&root);
}

static struct file *create(const char *name)
{
    struct file *f;

    ck_assert_int_eq(vfs_open(&task, AT_FDCWD, name, O_RDWR | O_CREAT, 0644, 0, &f), 0);
    return f;
}

static ssize_t write_at(struct file *f, const void *data, size_t len, loff_t pos)
{
    struct uio u;

    uio_init_kernel(&u, UIO_SOURCE, (void *)(uintptr_t)data, len);
    return file_write(&task, f, &u, &pos, 0);
}

static int resize(struct file *f, loff_t size)
{
    struct setattr a = {.mask = SETATTR_SIZE, .size = size};

    return f->inode->ops->setattr(&task, f->path.dentry, &a);
}

static uint64_t free_blocks(void)
{
    struct statfs st = {0};

    ck_assert_int_eq(sb->ops->statfs(&task, sb, &st), 0);
    return st.f_bfree;
}

#define SIZE 200000
static unsigned char model[SIZE], buf[SIZE];

START_TEST(random_io)
{
    struct file *f = create("f");
    loff_t size = 0;

    srandom(11);
    memset(model, 0, sizeof(model));
    for (int round = 0; round < 3000; round++) {
        loff_t at = random() % (SIZE - 1);
        size_t n = (size_t)random() % (size_t)(SIZE - at) % 5000;
        switch (random() % 6) {
        case 0:
            if (random() % 4)
                at %= 70000;
            ck_assert_int_eq(resize(f, at), 0);
            if (at < size)
                memset(model + at, 0, (size_t)(size - at));
            size = at;
            break;
        case 1:
            ck_assert_int_eq(f->ops->fallocate(&task, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                               at, (loff_t)n + 1),
                             0);
            memset(model + at, 0, n + 1);
            break;
        default:
            for (size_t i = 0; i < n; i++)
                model[at + (loff_t)i] = buf[i] = (unsigned char)random();
            ck_assert_int_eq(write_at(f, buf, n, at), (ssize_t)n);
            if (n)
                size = MAX(size, at + (loff_t)n);
        }
        ck_assert_int_eq(f->inode->size, size);
        if (round % 8 == 0) {
            memset(buf, 7, sizeof(buf));
            ck_assert_int_eq(file_read_kernel(&task, f, buf, sizeof(buf), 0), size);
            ck_assert(!memcmp(buf, model, (size_t)size));
        }
    }
    file_put(f);
}
END_TEST

START_TEST(limits)
{
    uint64_t before = free_blocks();
    struct file *f = create("f");
    static char mib[1 << 20];

    ck_assert_uint_eq(before, 256);
    /* A hole costs nothing, what is written into it does. */
    ck_assert_int_eq(resize(f, 1L << 40), 0);
    ck_assert_uint_eq(free_blocks(), before);
    ck_assert_int_eq(write_at(f, "x", 1, 1L << 39), 1);
    ck_assert_uint_eq(free_blocks(), before - 1);
    ck_assert_int_eq(write_at(f, mib, sizeof(mib), 0), -ENOSPC);
    ck_assert_int_eq(f->ops->fallocate(&task, f, 0, 0, 1L << 40), -ENOSPC);
    ck_assert_int_eq(f->ops->fallocate(&task, f, 0, 0, 1 << 19), 0);
    ck_assert_uint_eq(free_blocks(), before - 1 - 128);
    ck_assert_int_eq(resize(f, 0), 0);
    ck_assert_uint_eq(free_blocks(), before);
    ck_assert_int_eq(write_at(f, mib, sizeof(mib), 0), 1 << 20);
    ck_assert_uint_eq(free_blocks(), 0);
    struct file *g = create("g");
    ck_assert_int_eq(write_at(g, "x", 1, 0), -ENOSPC);
    ck_assert_int_eq(write_at(f, "y", 1, 5), 1); /* in place */
    ck_assert_int_eq(resize(f, 5000), 0);
    ck_assert_int_eq(write_at(g, "x", 1, 0), 1);
    file_put(f);
    file_put(g);
}
END_TEST

START_TEST(sandbox_limit)
{
    static struct sandbox_spec spec = {.memory_bytes = 2 << 20};
    struct superblock *other;
    struct file *f;

    sandbox = &spec;
    ck_assert_int_eq(tmpfs_new(0, 0, 0755, &other), 0);
    ck_assert_uint_gt(free_blocks(), 200);
    f = tmpfs_anon_file("big", O_RDWR, 0);
    ck_assert_ptr_nonnull(f);
    static char half[600 << 10];
    ck_assert_int_eq(write_at(f, half, sizeof(half), 0), sizeof(half));
    ck_assert_uint_lt(free_blocks(), 120);
    struct file *g = create("g");
    ck_assert_int_eq(write_at(g, half, sizeof(half), 0), -ENOSPC);
    file_put(f);
    ck_assert_int_eq(write_at(g, half, sizeof(half), 0), sizeof(half));
    file_put(g);
    super_put(other);
    sandbox = NULL;
}
END_TEST

START_TEST(offsets)
{
    struct file *f = create("f");
    char c;

    ck_assert_int_eq(write_at(f, "abc", 3, 0), 3);
    ck_assert_int_eq(file_read_kernel(&task, f, &c, 1, INT64_MIN), -EINVAL);
    ck_assert_int_eq(file_read_kernel(&task, f, &c, 1, -1), -EINVAL);
    ck_assert_int_eq(file_read_kernel(&task, f, &c, 1, INT64_MAX), -EINVAL);
    ck_assert_int_eq(file_read_kernel(&task, f, &c, 1, INT64_MAX - 1), 0);
    ck_assert_int_eq(file_read_kernel(&task, f, &c, 1, 2), 1);
    ck_assert_int_eq(c, 'c');
    file_put(f);
}
END_TEST

/* A tree deeper than any stack goes at once. */
START_TEST(deep_tree)
{
    ck_assert_int_eq(tmpfs_new(0, 0, 0755, &sb), 0);
    struct inode *dir = sb->root->inode;
    struct dentry *d = dentry_get(sb->root);
    for (int i = 0; i < 50000; i++) {
        struct dentry *c = dentry_new_child(d, "d", 1);
        ck_assert_ptr_nonnull(c);
        ck_assert_int_eq(dir->ops->mkdir(&task, dir, c, S_IFDIR | 0755), 0);
        dir = c->inode;
        dentry_put(d);
        d = c;
    }
    dentry_put(d);
    super_put(sb);
}
END_TEST

UNIT_MAIN("tmpfs", setup, NULL, random_io, limits, sandbox_limit, offsets, deep_tree)
