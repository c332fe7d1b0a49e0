/*
 * Checkpoints of files of the host: found again by path, checked by what they were, also when the
 * export has moved; deleted ones come back with their contents. Each phase is a process with a
 * gofer of its own.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "gofer/gofer.h"
#include "platform/platform.h"
#include "sentry/ckpt/pages.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/vfs_internal.h"
#include "tests/unit/ckpt_root.h"
#include "tests/unit/quiet.h"
#include "tests/unit/unit.h"

enum { FD_PROG = 3, FD_AGAIN, FD_LOG, FD_GONE, FD_GONE_RO, FD_DIR, FD_MANY };

static int nmany = 300;

static char dir[64];
static struct task task;
static struct thread_group group;
static struct sandbox_mount mount = {
    .src = (char *)"data", .dst = (char *)"/mnt", .export_index = 1};
static struct sandbox_spec spec = {.hostname = (char *)"host",
                                   .ncpus = 2,
                                   .stdio = {-1, -1, -1},
                                   .root_overlay = true,
                                   .mounts = &mount,
                                   .nmounts = 1};

/* --- a sentry without guests --- */

static void path_of(char out[200], const char *name)
{
    snprintf(out, 200, "%s/%s", dir, name);
}

static void serve(int sock, const char *rootfs)
{
    struct gofer_config cfg = {.sock = sock, .nexports = 2};
    char path[200];

    path_of(path, rootfs);
    cfg.exports[0] = (struct gofer_export){open(path, O_PATH | O_DIRECTORY), true};
    path_of(path, "data");
    cfg.exports[1] = (struct gofer_export){open(path, O_PATH | O_DIRECTORY), false};
    _exit(gofer_serve(&cfg) ? 1 : 0);
}

static void run_and_stop(void *fn)
{
    ((void (*)(void))fn)();
    loop_stop();
}

/* fn on a fiber of a process of its own, with a gofer that exports rootfs and data. */
static void in_sentry(void (*fn)(void), const char *rootfs)
{
    int sv[2], status;
    pid_t pid = fork();

    if (!pid) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
        if (!fork()) {
            close(sv[0]);
            serve(sv[1], rootfs);
        }
        close(sv[1]);
        platform = &quiet;
        sandbox = &spec;
        for (int i = 0; i < RLIM_NLIMITS; i++)
            group.rlim[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
        task.tg = &group;
        list_init(&group.tasks);
        task.cred = cred_new(0, 0);
        ck_assert_int_eq(loop_init(), 0);
        ck_assert_int_eq(goferfs_connect(sv[0]), 0);
        ck_assert_ptr_nonnull(fiber_start(run_and_stop, (void *)fn));
        loop_run();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

/* --- the host's files --- */
static void put(const char *name, const char *text)
{
    char path[200];

    path_of(path, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static struct {
    int kernel, pages;
} image;

static void setup(void)
{
    static const char *const dirs[] = {"root", "root/bin", "root/mnt", "data"};
    char path[200];

    strcpy(dir, "/tmp/nv-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        path_of(path, dirs[i]);
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
    put("root/bin/prog", "program");
    put("root/bin/other", "other");
    for (int i = 0; i < nmany; i++) {
        snprintf(path, sizeof(path), "root/bin/f%d", i);
        put(path, path);
    }
    image.kernel = memfd_create("kernel", 0);
    image.pages = memfd_create("pages", 0);
}

static void teardown(void)
{
    char cmd[100];

    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

/* --- saving --- */
static void open_as(const char *name, int flags, int fd)
{
    struct file *f = NULL;
    int err = vfs_open(&task, AT_FDCWD, name, flags, 0644, 0, &f);

    ck_assert_msg(!err, "%s: %s", name, strerror(-err));
    ck_assert_int_eq(fd_install_at(&task, f, fd, false), fd);
    file_put(f);
}

static void append(int fd, const char *text)
{
    struct file *f = fd_get(&task, fd);
    struct uio u;
    loff_t pos = 0;

    uio_init_kernel(&u, UIO_SOURCE, (void *)(uintptr_t)text, strlen(text));
    ck_assert_int_eq(file_write(&task, f, &u, &pos, RWF_APPEND), strlen(text));
    file_put(f);
}

static void make_tree(void)
{
    struct superblock *root, *data;
    struct path at;
    char path[200];

    ck_assert_int_eq(goferfs_new(0, true, &root), 0);
    ck_assert_int_eq(mount_ns_init(root, 0), 0);
    struct path top = {root_mount_ns->root, root->root};
    task.fs = fs_context_new(&top);
    task.fds = fdtable_new();
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/mnt", 0, &at), 0);
    ck_assert_int_eq(goferfs_new(1, false, &data), 0);
    ck_assert_int_eq(vfs_mount(&at, data, 0, NULL), 0);
    path_put(&at);
    open_as("/bin/prog", O_RDONLY, FD_PROG);
    open_as("/bin/prog", O_RDONLY, FD_AGAIN);
    open_as("/mnt/log", O_WRONLY | O_CREAT | O_APPEND, FD_LOG);
    append(FD_LOG, "one ");
    open_as("/mnt/gone", O_RDWR | O_CREAT, FD_GONE);
    open_as("/mnt/gone", O_RDONLY, FD_GONE_RO);
    append(FD_GONE, "contents of a file without a name");
    path_of(path, "data/gone");
    ck_assert_int_eq(unlink(path), 0);
    open_as("/bin", O_RDONLY | O_DIRECTORY, FD_DIR);
    for (int i = 0; i < nmany; i++) {
        snprintf(path, sizeof(path), "/bin/f%d", i);
        open_as(path, O_RDONLY, FD_MANY + i);
    }
    path_put(&task.fs->cwd);
    ck_assert_int_eq(vfs_walk(&task, AT_FDCWD, "/bin", 0, &task.fs->cwd), 0);
}

static void save(void)
{
    struct ckpt_pages sink = {.fd = image.pages};
    struct ckpt_writer *w = ckpt_writer_new(0, ckpt_pages_sink, &sink);
    const void *data;

    make_tree();
    struct root root = {root_mount_ns, task.fs, task.fds};
    ckpt_save_root(w, &root_type, &root);
    int64_t len = ckpt_writer_finish(w, &data);
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(ckpt_pages_finish(&sink), 0);
    ck_assert_int_eq(write(image.kernel, data, (size_t)len), len);
}

/* --- restoring --- */
static char why[256];
static size_t flip; /* not 0: this byte is wrong */
static int flip_with;

static bool load(void)
{
    size_t len = (size_t)lseek(image.kernel, 0, SEEK_END);
    char *data = malloc(len), name[64];

    ck_assert_int_eq(pread(image.kernel, data, len, 0), len);
    if (flip)
        ((unsigned char *)data)[flip] ^= (unsigned char)flip_with;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", image.pages);
    ck_assert_int_eq(ckpt_pages_use(open(name, O_RDONLY)), 0);

    struct ckpt_reader *r = ckpt_reader_new(data, len, 0);
    struct root *root = ckpt_load_root(r, &root_type);
    snprintf(why, sizeof(why), "%s", ckpt_reader_error(r) ? ckpt_reader_error(r) : "");
    ckpt_reader_free(r);
    free(data);
    if (!root || !root->ns || !root->fs || !root->fds)
        return false;
    const char *wrong = goferfs_resumed();
    if (wrong) {
        snprintf(why, sizeof(why), "%s", wrong);
        return false;
    }
    task.fs = root->fs;
    task.fds = root->fds;
    free(root);
    return true;
}

static void expect(int fd, const char *text)
{
    char buf[100];
    struct file *f = fd_get(&task, fd);

    ssize_t n = file_read_kernel(&task, f, buf, sizeof(buf), 0);
    ck_assert_int_eq(n, strlen(text));
    ck_assert_int_eq(memcmp(buf, text, (size_t)n), 0);
    file_put(f);
}

static void check_all(void)
{
    struct file *f;
    char path[200], text[64] = "";

    ck_assert_msg(load(), "%s", why);
    expect(FD_PROG, "program");
    expect(FD_AGAIN, "program");
    expect(FD_GONE, "contents of a file without a name");
    expect(FD_GONE_RO, "contents of a file without a name");
    append(FD_GONE, "!");
    expect(FD_GONE_RO, "contents of a file without a name!");
    append(FD_LOG, "two");
    path_of(path, "data/log");
    cleanup_close int log = open(path, O_RDONLY);
    ck_assert_int_eq(read(log, text, sizeof(text)), 7);
    ck_assert_str_eq(text, "one two");
    ck_assert_int_eq(vfs_open(&task, AT_FDCWD, "other", O_RDONLY, 0, 0, &f), 0);
    file_put(f);
    ck_assert_int_eq(vfs_open(&task, AT_FDCWD, "/mnt/gone", O_RDONLY, 0, 0, &f), -ENOENT);
    ck_assert_int_eq(vfs_open(&task, AT_FDCWD, "/mnt/new", O_RDWR | O_CREAT, 0600, 0, &f), 0);
    file_put(f);
    for (int i = 0; i < nmany; i++) {
        snprintf(path, sizeof(path), "root/bin/f%d", i);
        expect(FD_MANY + i, path);
    }
    fdtable_put(task.fds);
}

START_TEST(found_again)
{
    in_sentry(save, "root");
    in_sentry(check_all, "root");
}
END_TEST

START_TEST(moved)
{
    char from[200], to[200];

    in_sentry(save, "root");
    path_of(from, "root");
    path_of(to, "elsewhere");
    ck_assert_int_eq(rename(from, to), 0);
    in_sentry(check_all, "elsewhere");
}
END_TEST

/* --- what has changed --- */
static const char *expected;

static void refused(void)
{
    ck_assert(!load());
    ck_assert_msg(strstr(why, expected) != NULL, "'%s' instead of '%s'", why, expected);
}

START_TEST(changed)
{
    char path[200];
    struct timespec ts[2] = {{1000, 0}, {1000, 0}};

    in_sentry(save, "root");
    put("root/bin/f7", "no longer what it was");
    expected = "the file /bin/f7 has changed since the checkpoint (its size was 11, is 21)";
    in_sentry(refused, "root");
    put("root/bin/f7", "root/bin/f7");
    path_of(path, "root/bin/f7");
    ck_assert_int_eq(utimensat(AT_FDCWD, path, ts, 0), 0);
    expected = "the file /bin/f7 has changed since the checkpoint (it was modified)";
    in_sentry(refused, "root");
    ck_assert_int_eq(unlink(path), 0);
    expected = "the file /bin/f7 has vanished";
    in_sentry(refused, "root");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expected = "the file /bin/f7 has become something else";
    in_sentry(refused, "root");
}
END_TEST

START_TEST(mounts_differ)
{
    in_sentry(save, "root");
    spec.nmounts = 0;
    expected = "mount 1 of the sandbox is missing";
    in_sentry(refused, "root");
    spec.nmounts = 1;
    mount.readonly = true;
    expected = "/mnt was writable";
    in_sentry(refused, "root");
}
END_TEST

/* --- wrong images --- */
static size_t wrong_at;

static void try_wrong(void)
{
    struct file *f;
    char buf[100];

    alarm(20);
    flip = wrong_at;
    if (!load())
        return;
    for (int fd = 0; (fd = fdtable_next(task.fds, fd, &f)) >= 0; fd++) {
        struct uio u;
        loff_t pos = 0;
        if (file_readable(f))
            file_read_kernel(&task, f, buf, sizeof(buf), 0);
        uio_init_kernel(&u, UIO_SOURCE, buf, 10);
        if (file_writable(f))
            file_write(&task, f, &u, &pos, 0);
    }
    if (!vfs_open(&task, AT_FDCWD, "other", O_RDONLY, 0, 0, &f))
        file_put(f);
    if (!vfs_open(&task, AT_FDCWD, "/mnt/log", O_RDONLY, 0, 0, &f))
        file_put(f);
    fdtable_put(task.fds);
    fs_context_put(task.fs);
}

/* NV_FUZZ_STEP=1 takes every byte. */
START_TEST(wrong_bytes)
{
    const char *env = getenv("NV_FUZZ_STEP");
    size_t step = env ? (size_t)atoi(env) : 11;

    nmany = 3;
    in_sentry(save, "root");
    size_t len = (size_t)lseek(image.kernel, 0, SEEK_END);
    srandom((unsigned int)getpid());
    for (wrong_at = 16 + (size_t)random() % step; wrong_at < len; wrong_at += step) {
        flip_with = 1 << random() % 8;
        in_sentry(try_wrong, "root");
    }
}
END_TEST

/* --- what cannot be saved --- */
static void save_too_large(void)
{
    struct ckpt_writer *w = ckpt_writer_new(0, NULL, NULL);
    const void *data;
    struct file *f;

    make_tree();
    list_add_tail(&all_thread_groups, &group.all_node);
    list_add_tail(&group.tasks, &task.tg_node);
    group.tgid = 42;
    f = fd_get(&task, FD_GONE);
    struct setattr a = {.mask = SETATTR_SIZE, .size = 65 << 20, .file = f};
    ck_assert_int_eq(f->inode->ops->setattr(&task, f->path.dentry, &a), 0);
    struct root root = {root_mount_ns, task.fs, task.fds};
    ckpt_save_root(w, &root_type, &root);
    ck_assert_int_eq(ckpt_writer_finish(w, &data), -EBUSY);
    ck_assert_str_eq(ckpt_refusal(w, 0),
                     "pid 42 fd 6 (/mnt/gone): the file was deleted from its mount; its 65 MB are "
                     "more than an image takes (64 MB)");
    ck_assert_ptr_null(ckpt_refusal(w, 1));
}

START_TEST(too_large)
{
    in_sentry(save_too_large, "root");
}
END_TEST

UNIT_MAIN("ckpt_gofer", setup, teardown, found_again, moved, changed, mounts_differ, wrong_bytes,
          too_large)
