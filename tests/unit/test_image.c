/* Images on disk: what is opened is what was written, whoever dies or interferes meanwhile. */
#include "ckpt/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/unit/unit.h"

#define DIR_TEMPLATE "/tmp/nv-test-image-XXXXXX"
static char dir[sizeof(DIR_TEMPLATE)];

static void enter_dir(void)
{
    snprintf(dir, sizeof(dir), "%s", DIR_TEMPLATE);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(mkdir("images", 0700) | mkdir("state", 0700), 0);
    char path[64];
    snprintf(path, sizeof(path), "%s/images", dir);
    setenv("NV_IMAGE_DIR", path, 1);
    snprintf(path, sizeof(path), "%s/state", dir);
    setenv("NV_STATE_DIR", path, 1);
    snprintf(path, sizeof(path), "%s/data", dir);
    setenv("NV_DATA_DIR", path, 1);
}

static void leave_dir(void)
{
    char cmd[64];

    ck_assert_int_eq(chdir("/"), 0);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

/* An image whose parts all say which generation they are of. */
static int write_image(const char *name, int generation, size_t pages, struct error *e)
{
    cleanup_manifest struct manifest m = {.hostname = strdup("box"), .memory = 1 << 30};
    struct image_writer *w = image_create(name, e);
    char buf[4096];

    if (!w)
        return -EIO;
    manifest_list_add(&m.command, "node");
    manifest_list_add(&m.cpu_features, "sse2");
    manifest_add_mount(&m, "/srv", "/mnt", true, false);
    snprintf(buf, sizeof(buf), "%d", generation);
    manifest_annotate(&m, "generation", buf);
    memset(buf, generation, sizeof(buf));
    bool ok = write(image_writer_fd(w, IMAGE_KERNEL), buf, 100) == 100;
    for (size_t i = 0; i < pages && ok; i++)
        ok = write(image_writer_fd(w, IMAGE_PAGES), buf, sizeof(buf)) == sizeof(buf);
    if (!ok) {
        int err = -errno;
        image_abort(w);
        return error_set(e, err, "write");
    }
    return image_commit(w, &m, e);
}

static int generation_of(const struct image *img)
{
    unsigned char k = 0, p = 0;
    int g = atoi(img->manifest.annotation_values.v[0]);

    ck_assert_int_eq(pread(img->fd[IMAGE_KERNEL], &k, 1, 99), 1);
    ck_assert_int_eq(pread(img->fd[IMAGE_PAGES], &p, 1, 0), 1);
    ck_assert_int_eq(k, g & 255);
    ck_assert_int_eq(p, g & 255);
    return g;
}

static int open_generation(const char *name, unsigned int flags)
{
    struct error e = ERROR_INIT;
    struct image img;
    int err = image_open(&img, name, flags, NULL, &e);

    if (err) {
        ck_assert_ptr_nonnull(e.what);
        error_free(&e);
        return err;
    }
    int g = generation_of(&img);
    image_close(&img);
    return g;
}

static int count_entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

START_TEST(round_trip)
{
    struct error e = ERROR_INIT;
    struct image img;
    struct stat st;

    ck_assert_int_eq(write_image("one", 7, 3, &e), 0);
    ck_assert_int_eq(image_open(&img, "one", 0, NULL, &e), 0);
    ck_assert_int_eq(generation_of(&img), 7);
    ck_assert(img.digested && !img.is_signed);
    ck_assert_str_eq(img.manifest.hostname, "box");
    ck_assert_str_eq(img.manifest.command.v[0], "node");
    ck_assert_ptr_null(img.manifest.command.v[1]);
    ck_assert_uint_eq(img.manifest.memory, 1 << 30);
    ck_assert_uint_eq(img.manifest.parts[IMAGE_PAGES].size, 3 * 4096);
    ck_assert(!img.manifest.parts[IMAGE_WSET].present && img.fd[IMAGE_WSET] == -1);
    ck_assert(img.manifest.nmounts == 1 && img.manifest.mounts[0].readonly);
    ck_assert(!fstat(img.fd[IMAGE_PAGES], &st) && (st.st_mode & 0777) == 0444);
    image_close(&img);
    ck_assert_int_eq(count_entries("images/one"), 3);
    /* Replaced while it is open: the open one stays what it is. */
    ck_assert_int_eq(image_open(&img, "one", 0, NULL, &e), 0);
    ck_assert_int_eq(write_image("images/one", 8, 1, &e), 0);
    ck_assert_int_eq(generation_of(&img), 7);
    image_close(&img);
    usleep(50000); /* younger ones are not remembered */
    ck_assert_int_eq(open_generation("one", 0), 8);
    ck_assert_int_eq(count_entries("images"), 1);
    ck_assert_int_eq(count_entries("state/verified"), 1);
    ck_assert_int_eq(image_set_wset("one", "working set", 11, &e), 0);
    ck_assert_int_eq(image_open(&img, "one", 0, NULL, &e), 0);
    ck_assert_uint_eq(img.manifest.parts[IMAGE_WSET].size, 11);
    ck_assert_int_eq(generation_of(&img), 8);
    image_close(&img);
    ck_assert_int_eq(image_remove("one", &e), 0);
    ck_assert_int_eq(count_entries("images"), 0);
    ck_assert_int_eq(open_generation("one", 0), -ENOENT);
    ck_assert_int_eq(count_entries("state/verified"), 0);
}
END_TEST

static bool is_made_here(const char *name, unsigned int flags)
{
    struct error e = ERROR_INIT;
    struct image img;

    ck_assert_int_eq(image_open(&img, name, flags, NULL, &e), 0);
    bool here = img.made_here;
    image_close(&img);
    return here;
}

/* Who made an image is known, remembered or not; a copy with other mounts is nobody's. */
START_TEST(made_here)
{
    struct error e = ERROR_INIT;

    ck_assert_int_eq(write_image("x", 1, 1, &e), 0);
    usleep(50000);
    for (int i = 0; i < 2; i++)
        ck_assert(is_made_here("x", 0) && is_made_here("x", IMAGE_TRUST));
    ck_assert_int_eq(system("cp -r images/x images/y && chmod u+w images/y/manifest.json && "
                            "sed -i 's,/srv,/etc,' images/y/manifest.json"),
                     0);
    usleep(50000);
    for (int i = 0; i < 2; i++)
        ck_assert(!is_made_here("y", 0) && !is_made_here("y", IMAGE_TRUST));
    ck_assert_int_eq(image_set_wset("y", "w", 1, &e), 0);
    ck_assert(!is_made_here("y", 0));
    ck_assert_int_eq(image_set_wset("x", "w", 1, &e), 0);
    ck_assert(is_made_here("x", 0));
    ck_assert_int_eq(count_entries("data/made"), 1);
    ck_assert_int_eq(image_remove("x", &e), 0);
    ck_assert_int_eq(count_entries("data/made"), 0);
}
END_TEST

START_TEST(names)
{
    static const char *const bad[] = {"", ".", "..", ".x", "-x", "a b", "a\nb", "/", "x/.."};
    struct error e = ERROR_INIT;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_ptr_null(image_create(bad[i], &e));
        ck_assert_ptr_nonnull(e.what);
    }
    ck_assert_int_eq(write_image("./sub/x", 1, 1, &e), -EIO); /* no such directory */
    ck_assert_int_eq(mkdir("sub", 0700) | mkdir("sub/x", 0700), 0);
    ck_assert_int_eq(write_image("./sub/x/", 1, 1, &e), 0);
    ck_assert_int_eq(open_generation("sub/x", 0), 1);
    /* What is not an image is neither replaced nor removed. */
    ck_assert_int_eq(mkdir("work", 0700) | mkdir("work/keep", 0700), 0);
    ck_assert_ptr_null(image_create("./work", &e));
    ck_assert_int_eq(image_remove("./work", &e), -EINVAL);
    close(open("sub/x/notes", O_CREAT | O_WRONLY, 0600));
    ck_assert_ptr_null(image_create("sub/x", &e));
    ck_assert_int_eq(image_remove("sub/x", &e), -EINVAL);
    ck_assert_int_eq(open_generation("sub/x", 0), 1);
    cleanup_free char *path = image_path("./new", &e), *wanted = NULL;
    ck_assert(path && asprintf(&wanted, "%s/new", dir) > 0);
    ck_assert_str_eq(path, wanted); /* that of another process, too */
    ck_assert_int_eq(symlink("sub/x", "link"), 0);
    ck_assert_int_eq(unlink("sub/x/notes"), 0);
    ck_assert_int_eq(write_image("./link", 2, 1, &e), 0); /* where it points to */
    ck_assert_int_eq(open_generation("sub/x", 0), 2);
    error_free(&e);
}
END_TEST

/* A writer is killed wherever it is: there is always one whole image, and later nothing else. */
START_TEST(killed)
{
    struct error e = ERROR_INIT;
    int last = 1, seen[3] = {0};

    ck_assert_int_eq(write_image("x", 1, 16, &e), 0);
    for (int round = 0; round < 200; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int g = last + 1;; g++)
                if (write_image("x", g, 16, NULL))
                    _exit(1);
        }
        usleep((useconds_t)(random() % (5000 + 200 * round))); /* also where it takes long */
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        ck_assert_msg(WIFSIGNALED(status), "the writer failed");
        int left = count_entries("images");
        ck_assert_int_le(left, 2);
        seen[left]++;
        int g = open_generation("x", IMAGE_FULL);
        ck_assert_int_ge(g, last);
        last = g;
        image_abort(image_create("x", &e)); /* the next use */
        ck_assert_int_eq(count_entries("images"), 1);
    }
    ck_assert_int_gt(last, 1);
    ck_assert_int_gt(seen[2], 0);
}
END_TEST

/* Writers and readers at once: every open finds one whole image. */
START_TEST(at_once)
{
    struct error e = ERROR_INIT;
    pid_t pid[2];

    ck_assert_int_eq(write_image("x", 1, 4, &e), 0);
    for (int i = 0; i < 2; i++)
        if ((pid[i] = fork()) == 0)
            for (int g = 2;; g++)
                if (write_image("x", g, 4, &e)) {
                    error_print(&e);
                    _exit(1);
                }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_gt(open_generation("x", 0), 0);
    for (int i = 0; i < 2; i++) {
        int status;
        kill(pid[i], SIGKILL);
        waitpid(pid[i], &status, 0);
        ck_assert(WIFSIGNALED(status));
    }
}
END_TEST

static bool write_text(const char *path, const char *text)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* A mount namespace; for ordinary users in a user namespace, as the same user. */
static bool enter_namespaces(void)
{
    char uids[32], gids[32];
    uid_t uid = geteuid();

    snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
    snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
    if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
        return false;
    return !uid ||
           (write_text("/proc/self/uid_map", uids) && write_text("/proc/self/setgroups", "deny") &&
            write_text("/proc/self/gid_map", gids));
}

START_TEST(full_disk)
{
    struct error e = ERROR_INIT;

    if (!enter_namespaces() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", "images", "tmpfs", 0, "size=1m")) {
        fprintf(stderr, "full_disk: no namespaces here: skipped\n");
        return;
    }
    ck_assert_int_eq(write_image("x", 1, 100, &e), 0);
    for (size_t pages = 120; pages < 400; pages += 7) {
        int err = write_image("x", 2, pages, &e);
        if (!err) {
            ck_assert_int_eq(open_generation("x", IMAGE_FULL), 2);
            ck_assert_int_eq(write_image("x", 1, 100, &e), 0);
            continue;
        }
        ck_assert_int_eq(err, -ENOSPC);
        ck_assert_int_eq(open_generation("x", IMAGE_FULL), 1);
        ck_assert_int_eq(count_entries("images"), 1);
    }
    /* Room for the parts, none for the manifest. */
    for (int leave = 0; leave < 4; leave++) {
        struct image_writer *w = image_create("x", &e);
        cleanup_manifest struct manifest m = {0};
        char page[4096] = {1};
        ck_assert_ptr_nonnull(w);
        ck_assert_int_eq(write(image_writer_fd(w, IMAGE_KERNEL), page, 1), 1);
        int fill = open("images/fill", O_CREAT | O_WRONLY, 0600);
        while (write(fill, page, sizeof(page)) == sizeof(page))
            continue;
        ck_assert_int_eq(ftruncate(fill, lseek(fill, 0, SEEK_END) - leave * 4096), 0);
        int err = image_commit(w, &m, &e);
        ck_assert(err == -ENOSPC || (!err && leave));
        close(fill);
        unlink("images/fill");
        ck_assert_int_eq(count_entries("images"), 1);
        if (err)
            ck_assert_int_eq(open_generation("x", IMAGE_FULL), 1);
        else
            ck_assert_int_eq(write_image("x", 1, 100, &e), 0);
    }
    ck_assert_int_eq(umount2("images", MNT_DETACH), 0);
    error_free(&e);
}
END_TEST

static void change_byte(const char *path, off_t at, mode_t mode)
{
    cleanup_close int fd = -1;
    char c;

    ck_assert_int_eq(chmod(path, 0600), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pread(fd, &c, 1, at), 1);
    c ^= 1;
    ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
    ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(digests)
{
    struct error e = ERROR_INIT;
    struct image img;

    ck_assert_int_eq(write_image("x", 3, 4, &e), 0);
    change_byte("images/x/pages", 4096, 0444);
    ck_assert_int_eq(open_generation("x", 0), -EBADMSG);
    ck_assert_int_eq(open_generation("x", IMAGE_TRUST), 3);
    change_byte("images/x/pages", 4096, 0444);
    usleep(50000); /* younger ones are not remembered */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(image_open(&img, "x", 0, NULL, &e), 0);
        ck_assert_int_eq(img.digested, i == 0);
        image_close(&img);
    }
    ck_assert_int_eq(image_open(&img, "x", IMAGE_FULL, NULL, &e), 0);
    ck_assert(img.digested);
    image_close(&img);
    ck_assert_int_eq(write_image("ahead", 1, 1, &e), 0);
    ck_assert_int_eq(image_check_ahead("ahead", &e), 0);
    ck_assert_int_eq(image_open(&img, "ahead", 0, NULL, &e), 0);
    ck_assert(!img.digested);
    image_close(&img);
    change_byte("images/x/kernel", 0, 0444);
    ck_assert_int_eq(open_generation("x", 0), -EBADMSG);
    change_byte("images/x/kernel", 0, 0444);
    ck_assert_int_eq(open_generation("x", 0), 3);
    ck_assert_int_eq(chmod("images/x/pages", 0644) | truncate("images/x/pages", 4096), 0);
    ck_assert_int_eq(open_generation("x", IMAGE_TRUST), -EBADMSG);
    ck_assert_int_eq(unlink("images/x/pages"), 0);
    ck_assert_int_eq(open_generation("x", 0), -ENOENT);
    ck_assert_int_eq(mkfifo("images/x/pages", 0600), 0);
    ck_assert_int_eq(open_generation("x", 0), -EBADMSG);
}
END_TEST

/* Others may write: what was checked is what is used, and nothing is remembered. */
START_TEST(writable_by_others)
{
    struct error e = ERROR_INIT;
    struct image img;

    ck_assert_int_eq(write_image("x", 3, 4, &e), 0);
    ck_assert_int_eq(chmod("images/x/pages", 0666), 0);
    usleep(50000);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(image_open(&img, "x", 0, NULL, &e), 0);
        ck_assert(img.digested);
        change_byte("images/x/pages", 0, 0666);
        ck_assert_int_eq(generation_of(&img), 3);
        change_byte("images/x/pages", 0, 0666);
        image_close(&img);
    }
    /* A place for stamps that others can write to is none. */
    ck_assert_int_eq(chmod("images/x/pages", 0444), 0);
    usleep(50000);
    ck_assert_int_eq(chmod("state", 0777), 0);
    ck_assert_int_eq(open_generation("x", 0), 3);
    ck_assert_int_eq(image_open(&img, "x", 0, NULL, &e), 0);
    ck_assert(img.digested);
    image_close(&img);
}
END_TEST

START_TEST(signatures)
{
    struct error e = ERROR_INIT;
    struct image img;

    if (system("openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null && "
               "openssl pkey -in key.pem -pubout -out pub.pem && "
               "openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout -out "
               "other.pem && openssl genpkey -algorithm RSA -out rsa.pem 2>/dev/null")) {
        fprintf(stderr, "signatures: no openssl command here: skipped\n");
        return;
    }
    ck_assert_int_eq(write_image("x", 3, 4, &e), 0);
    ck_assert_int_eq(image_open(&img, "x", 0, "pub.pem", &e), -EKEYREJECTED);
    ck_assert_int_eq(image_sign("x", "pub.pem", &e), -EINVAL);
    ck_assert_int_eq(image_sign("x", "rsa.pem", &e), -EINVAL);
    ck_assert_int_eq(image_sign("x", "key.pem", &e), 0);
    ck_assert_int_eq(image_sign("x", "key.pem", &e), 0); /* again */
    ck_assert_int_eq(image_open(&img, "x", 0, "pub.pem", &e), 0);
    ck_assert(img.is_signed);
    image_close(&img);
    ck_assert_int_eq(image_open(&img, "x", 0, "other.pem", &e), -EKEYREJECTED);
    ck_assert_int_eq(image_open(&img, "x", 0, "key.pem", &e), -EINVAL);
    ck_assert_int_eq(image_open(&img, "x", IMAGE_TRUST, "pub.pem", &e), -EINVAL);
    change_byte("images/x/manifest.json", 30, 0444);
    ck_assert_int_lt(image_open(&img, "x", 0, "pub.pem", &e), 0);
    change_byte("images/x/manifest.json", 30, 0444);
    ck_assert_int_eq(image_open(&img, "x", 0, "pub.pem", &e), 0);
    image_close(&img);
    ck_assert_int_eq(image_set_wset("x", "w", 1, &e), 0);
    ck_assert_int_eq(image_open(&img, "x", 0, "pub.pem", &e), -EKEYREJECTED);
    error_free(&e);
}
END_TEST

START_TEST(manifests)
{
#define PARTS                                                                                      \
    "\"parts\":{\"kernel\":{\"size\":1,\"sha256\":\"%064d\"},\"pages\":{\"size\":2,\"sha256\":"    \
    "\"%064d\"}}"
    static const char *const good[] = {"", ",\"future\":{\"x\":[1]}", ",\"cpu\":{}",
                                       ",\"process\":{\"uid\":1,\"groups\":[1,2]}",
                                       ",\"annotations\":{\"a\":\"b\"}"};
    static const char *const bad[] = {
        ",\"cpu\":{\"level\":3}",
        ",\"cpu\":{\"features\":\"sse\"}",
        ",\"cpu\":{\"features\":[1]}",
        ",\"process\":{\"uid\":-1}",
        ",\"process\":{\"uid\":4294967295}",
        ",\"process\":{\"groups\":[\"x\"]}",
        ",\"sandbox\":{\"cpus\":1e3}",
        ",\"sandbox\":{\"cpus\":99999}",
        ",\"sandbox\":{\"mounts\":[1]}",
        ",\"annotations\":[]",
        ",\"annotations\":{\"a\":1}",
        ",\"annotations\":{\"a\":\"b\",\"a\":\"c\"}",
        ",\"sandbox\":{\"mounts\":[{\"source\":\"/\",\"destination\":\"x\"}]}",
        ",\"created\":\"\\u0000\"",
        ",\"created\":\"\xff\"",
        "} {",
        ",\"format\":2"};
    struct error e = ERROR_INIT;
    struct manifest m;
    char text[2048];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]) + sizeof(bad) / sizeof(bad[0]); i++) {
        bool ok = i < sizeof(good) / sizeof(good[0]);
        const char *more = ok ? good[i] : bad[i - sizeof(good) / sizeof(good[0])];
        int n = snprintf(text, sizeof(text), "{\"format\":1," PARTS "%s}", 1, 2, more);
        int err = manifest_parse(text, (size_t)n, &m, &e);
        ck_assert_msg(ok ? !err : err == -EBADMSG, "%s: %d", more, err);
        ck_assert(ok || e.what);
        manifest_free(&m);
        for (int cut = 0; ok && cut < n; cut++)
            ck_assert_int_lt(manifest_parse(text, (size_t)cut, &m, &e), 0);
    }
    ck_assert_int_lt(manifest_parse("{\"format\":1}", 12, &m, &e), 0);
    ck_assert_int_eq(manifest_parse("{\"format\":9}", 12, &m, &e), -EPROTONOSUPPORT);
    cleanup_free char *deep = malloc(100000);
    memset(deep, '[', 100000);
    ck_assert_int_eq(manifest_parse(deep, 100000, &m, &e), -EBADMSG);
    error_free(&e);
}
END_TEST

/* As on a file system that has no RENAME_EXCHANGE. */
static void forbid_exchange(void)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof(f) / sizeof(f[0]), f};

    ck_assert(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
              !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

START_TEST(replaced_in_steps)
{
    struct error e = ERROR_INIT;

    ck_assert_int_eq(write_image("x", 1, 2, &e), 0);
    pid_t pid = fork(); /* tests may be of one process */
    if (pid == 0) {
        forbid_exchange();
        for (int i = 2; i < 5; i++)
            if (write_image("x", i, 2, &e) || open_generation("x", 0) != i)
                _exit(1);
        _exit(image_remove("x", &e) ? 2 : write_image("x", 5, 2, &e) ? 3 : 0);
    }
    int status;
    ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
    ck_assert_int_eq(open_generation("x", 0), 5);
    ck_assert_int_eq(count_entries("images"), 1);
    /* One that died between its two steps: the old image is found, and put back. */
    ck_assert_int_eq(rename("images/x", "images/.nv-aside.x"), 0);
    ck_assert_int_eq(open_generation("x", 0), 5);
    ck_assert_int_eq(write_image("y", 9, 2, &e), 0);
    ck_assert_int_eq(access("images/x/manifest.json", F_OK), 0);
    /* And one that died after them. */
    ck_assert_int_eq(system("cp -a images/y images/.nv-aside.x"), 0);
    ck_assert_int_eq(write_image("y", 10, 2, &e), 0);
    ck_assert_int_eq(open_generation("x", 0), 5);
    ck_assert_int_eq(count_entries("images"), 2);
    error_free(&e);
}
END_TEST

/* A sandbox that has kept a descriptor to write to an image: the image is not made. */
START_TEST(open_for_writing)
{
    struct error e = ERROR_INIT;
    struct manifest m = {0};
    struct image_writer *w = image_create("kept", &e);

    ck_assert_ptr_nonnull(w);
    int kept = fcntl(image_writer_fd(w, IMAGE_PAGES), F_DUPFD_CLOEXEC, 3);
    ck_assert_int_eq(write(kept, "page", 4), 4);
    ck_assert_int_eq(image_commit(w, &m, &e), -ETXTBSY);
    ck_assert_ptr_nonnull(strstr(e.what, "still has pages of"));
    ck_assert_int_eq(count_entries("images"), 0);
    close(kept);
    manifest_free(&m);
    error_free(&e);
}
END_TEST

UNIT_MAIN("image", enter_dir, leave_dir, round_trip, made_here, names, killed, at_once, full_disk,
          digests, writable_by_others, signatures, manifests, replaced_in_steps, open_for_writing)
