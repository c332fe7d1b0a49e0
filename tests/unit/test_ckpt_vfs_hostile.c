/* Images of names and files in which something is wrong: no crash, whatever it is. */
#include <signal.h>

#include "sentry/fs/overlay/overlay.h"
#include "tests/unit/ckpt_tree.h"

static int nlisted;

static bool look(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                 unsigned char type)
{
    c->pos = off;
    return ++nlisted < 1000;
}

/* Whatever a guest could do with what it got. */
static void use(void)
{
    static const char *const names[] = {"/etc/hosts", "/lib/b",     "/lib",       "/new",
                                        "/new/one",   "/new/big",   "/new/link",  "/bind/small",
                                        "/mnt/sub",   "/proc/stat", "/dev/null",  "..",
                                        "/",          "/new/node",  "/etc/passwd"};
    static char buf[70000];
    struct file *f;
    char *text;

    for (int fd = 0; (fd = fdtable_next(task.fds, fd, &f)) >= 0; fd++) {
        struct dir_context c = {.pos = f->pos, .emit = look};
        nlisted = 0;
        if (f->ops->readdir)
            f->ops->readdir(&task, f, &c);
        if (file_readable(f))
            file_read_kernel(&task, f, buf, sizeof(buf), 0);
        if (!vfs_path_string(&task, &f->path, &text))
            free(text);
        struct uio u;
        loff_t pos = 100;
        uio_init_kernel(&u, UIO_SOURCE, buf, 10);
        if (file_writable(f))
            file_write(&task, f, &u, &pos, 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!vfs_open(&task, AT_FDCWD, names[i], O_RDWR, 0, 0, &f) ||
            !vfs_open(&task, AT_FDCWD, names[i], O_RDONLY, 0, 0, &f)) {
            struct dir_context c = {.emit = look};
            nlisted = 0;
            if (f->ops->readdir)
                f->ops->readdir(&task, f, &c);
            if (file_readable(f))
                file_read_kernel(&task, f, buf, sizeof(buf), 0);
            file_put(f);
        }
    }
    if (!vfs_open(&task, AT_FDCWD, "/new/made", O_RDWR | O_CREAT, 0644, 0, &f))
        file_put(f);
    fdtable_put(task.fds);
    fs_context_put(task.fs);
    struct path root = {root_mount_ns->root, root_mount_ns->root->root};
    task.fs = fs_context_new(&root);
    struct path at;
    for (int i = 0; i < 3; i++)
        if (!vfs_walk(&task, AT_FDCWD, i ? i == 1 ? "/mnt" : "/bind" : "/dev", 0, &at)) {
            vfs_umount(&task, &at, MNT_DETACH);
            path_put(&at);
        }
}

static void try_image(const char *data, size_t len)
{
    char why[256];

    alarm(20);
    start();
    memdev_init();
    if (load(data, len, why))
        use();
    _exit(0);
}

/* Every step-th byte is wrong in step images of the test runs: NV_FUZZ_STEP=1 takes them all. */
START_TEST(wrong_bytes)
{
    const char *env = getenv("NV_FUZZ_STEP");
    size_t step = env ? (size_t)atoi(env) : 5;
    static const unsigned char flips[] = {0xff, 0x01, 0x80, 0x10};

    make_image(NULL);
    srandom(7);
    for (size_t at = (size_t)random() % step; at < image.len; at += step) {
        int status;
        pid_t pid = fork();
        if (!pid) {
            image.data[at] = (char)(image.data[at] ^ flips[random() % 4]);
            try_image(image.data, image.len);
        }
        (void)random();
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "byte %zu of %zu: status %#x", at,
                      image.len, status);
    }
    for (size_t len = 0; len < image.len; len += image.len / 50 + 1) {
        int status;
        pid_t pid = fork();
        if (!pid)
            try_image(image.data, len);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

/* More lower directories than the overlay has layers: the same one again and again. */
static void repeat_layer(void)
{
    enum { AGAIN = 40 };
    struct path lib = walk("/lib");
    struct ovl_inode *oi = OVL_I(lib.dentry->inode);

    /* What it had stays: a cached listing points into it. */
    oi->more = calloc(1, sizeof(*oi->more) + AGAIN * sizeof(oi->more->v[0]));
    oi->more->n = AGAIN;
    for (int i = 0; i < AGAIN; i++)
        oi->more->v[i] = (struct ovl_lower){dentry_get(oi->lower), oi->layer};
    path_put(&lib);
}

/* What was made of a refused image goes with its process. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void);
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

START_TEST(layers_are_in_order)
{
    char why[256];

    make_image(repeat_layer);
    start();
    memdev_init();
    ck_assert(!load(image.data, image.len, why));
    ck_assert_msg(strstr(why, "in no layer"), "%s", why);
}
END_TEST

UNIT_MAIN("ckpt_vfs_hostile", NULL, NULL, wrong_bytes, layers_are_in_order)
