/*
 * Checkpoints of what fsopen(2) and fspick(2) give: begun in one process, finished in another that
 * has them from an image. Then images with a wrong byte: no crash, whatever it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/vfs/mount.h"
#include "tests/unit/ckpt_root.h"
#include "tests/unit/ckpt_task.h"

CALL(fsopen);
CALL(fspick);
CALL(fsconfig);
CALL(fsmount);
CALL(mkdirat);
CALL(read);

enum { SET_STRING = 1, CREATE = 6, RECONFIGURE = 7 };
enum { OVERLAY, TMPFS, PICKED, MADE };

static char key[64], value[64], text[512]; /* guest memory */

static const char *guest(char to[64], const char *s)
{
    snprintf(to, 64, "%s", s);
    return to;
}

static long set(int fd, const char *k, const char *v)
{
    return call(fsconfig, fd, SET_STRING, guest(key, k), guest(value, v), 0);
}

static void start(void)
{
    make_task();
    task->tg->rlim[RLIMIT_NOFILE].rlim_cur = 1024;
}

static void make_setups_image(int fd)
{
    static const char *const dirs[] = {"/a", "/b", "/u", "/w"};

    start();
    make_root();
    task->mnt_ns = mount_ns_get(root_mount_ns);
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
        ck_assert_int_eq(call(mkdirat, AT_FDCWD, guest(key, dirs[i]), 0755), 0);
    ck_assert_int_eq(call(fsopen, guest(key, "overlay"), 0), OVERLAY);
    ck_assert_int_eq(set(OVERLAY, "lowerdir+", "/a"), 0);
    ck_assert_int_eq(set(OVERLAY, "lowerdir+", "/b"), 0);
    ck_assert_int_eq(set(OVERLAY, "upperdir", "/u"), 0);
    ck_assert_int_eq(set(OVERLAY, "workdir", "/w"), 0);
    ck_assert_int_eq(set(OVERLAY, "source", "me"), 0);
    ck_assert_int_eq(call(fsopen, guest(key, "tmpfs"), 0), TMPFS);
    ck_assert_int_eq(set(TMPFS, "size", "8k"), 0);
    ck_assert_int_eq(set(TMPFS, "mode", "0700"), 0);
    ck_assert_int_eq(set(TMPFS, "size", "none"), -EINVAL);
    ck_assert_int_eq(call(fspick, AT_FDCWD, guest(key, "/"), 0), PICKED);
    ck_assert_int_eq(set(PICKED, "size", "4m"), 0);
    ck_assert_int_eq(call(fsopen, guest(key, "ramfs"), 0), MADE);
    ck_assert_int_eq(call(fsconfig, MADE, CREATE, 0, 0, 0), 0);
    struct root root = {root_mount_ns, task->fs, task->fds};
    save_root(fd, &root_type, &root);
}

static bool load(char why[256])
{
    struct ckpt_reader *r = ckpt_reader_new(image, image_len, now_ns());
    struct root *root = ckpt_load_root(r, &root_type);

    bool whole = root && root->ns && root->fs && root->fds;
    snprintf(why, 256, "%s", ckpt_reader_error(r) ? ckpt_reader_error(r) : "");
    ckpt_reader_free(r);
    if (whole) {
        task->fs = root->fs;
        task->fds = root->fds;
        task->mnt_ns = mount_ns_get(root->ns);
    }
    free(root);
    return whole;
}

START_TEST(round_trip)
{
    char why[256];
    struct file *f;

    make_image(make_setups_image);
    start();
    ck_assert_msg(load(why), "%s", why);
    ck_assert_int_eq(set(OVERLAY, "source", "other"), -EINVAL); /* it has one */
    ck_assert_int_eq(call(fsconfig, OVERLAY, CREATE, 0, 0, 0), 0);
    long m = call(fsmount, OVERLAY, 0, 0);
    ck_assert_int_ge(m, 0);
    fdtable_next(task->fds, (int)m, &f);
    ck_assert_str_eq(f->path.mnt->sb->fstype, "overlay");
    ck_assert_str_eq(f->path.mnt->sb->source, "me");
    ck_assert_int_gt(call(read, TMPFS, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "e tmpfs: Bad value for 'size'");
    ck_assert_int_eq(call(fsconfig, TMPFS, CREATE, 0, 0, 0), 0);
    m = call(fsmount, TMPFS, 0, 0);
    fdtable_next(task->fds, (int)m, &f);
    ck_assert_uint_eq(TMPFS_S(f->path.mnt->sb)->max_pages, 2);
    ck_assert_uint_eq(f->inode->mode & 07777, 0700);
    ck_assert_int_eq(call(fsconfig, PICKED, RECONFIGURE, 0, 0, 0), 0);
    ck_assert_uint_eq(TMPFS_S(root_mount_ns->root->sb)->max_pages, 1024);
    ck_assert_int_eq(call(fsconfig, MADE, CREATE, 0, 0, 0), -EBUSY);
    ck_assert_int_ge(call(fsmount, MADE, 0, 0), 0);
}
END_TEST

static void try_image(void)
{
    struct file *f;
    char why[256];

    start();
    if (!load(why))
        return;
    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0 && fd < 100; fd++) {
        call(read, fd, text, sizeof(text));
        set(fd, "mode", "0711");
        set(fd, "lowerdir+", "/a");
        call(fsconfig, fd, CREATE, 0, 0, 0);
        call(fsconfig, fd, RECONFIGURE, 0, 0, 0);
        call(fsmount, fd, 0, 0);
    }
    call(fspick, AT_FDCWD, guest(key, "/"), 0);
    for (int fd = 0; (fd = fdtable_next(task->fds, fd, &f)) >= 0; fd++)
        fd_close(task, fd);
}

START_TEST(wrong_bytes)
{
    make_image(make_setups_image);
    try_wrong_bytes(3, 33, try_image);
}
END_TEST

UNIT_MAIN("ckpt_setup", NULL, NULL, round_trip, wrong_bytes)
