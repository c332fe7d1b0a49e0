/* xattr(7): each name space on each kind of object, by root and by others; sizes, names, flags. */
#include "../rows.h"
#include <linux/capability.h>
#include <sys/xattr.h>

static const char *const objects[] = {"f", "d", "l", "p", "s", "sticky", "ro"};
static const char *const attrs[] = {"user.a",
                                    "user.",
                                    "user",
                                    "trusted.a",
                                    "trusted.",
                                    "security.a",
                                    "security.",
                                    "security.capability",
                                    "system.a",
                                    "system.",
                                    "nothing.a",
                                    "",
                                    ".",
                                    "user.a.b",
                                    "User.a",
                                    "osx.a",
                                    "btrfs.a",
                                    "system.posix_acl_access",
                                    "system.posix_acl_default"};

static void table(void *arg)
{
    const struct row_user *u = arg;
    char buf[256];

    become(u);
    for (size_t o = 0; o < sizeof(objects) / sizeof(*objects); o++) {
        row_add("%s %s:", u->name, objects[o]);
        for (size_t a = 0; a < sizeof(attrs) / sizeof(*attrs); a++) {
            row_add(" %s=%s", attrs[a], says(lgetxattr(objects[o], attrs[a], buf, sizeof(buf))));
            row_add("/%s", says(lsetxattr(objects[o], attrs[a], "value", 5, 0)));
            row_add("/%s", says(lsetxattr(objects[o], attrs[a], "", 0, 0)));
            row_add("/%s", says(lgetxattr(objects[o], attrs[a], buf, sizeof(buf))));
            row_add("/%s", says(lremovexattr(objects[o], attrs[a])));
            row_add("/%s", says(lremovexattr(objects[o], attrs[a])));
        }
        row_add(" list=%s\n", says(llistxattr(objects[o], buf, sizeof(buf))));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *what, const char *name)
{
    char buf[1024], *names[64] = {NULL};
    ssize_t n = llistxattr(name, buf, sizeof(buf));
    size_t k = 0;

    for (char *at = buf; n > 0 && at < buf + n; at += strlen(at) + 1)
        names[k++] = at;
    qsort(names, k, sizeof(*names), by_name);
    row_add("%s:", what);
    for (size_t i = 0; i < k; i++)
        row_add(" %s", names[i]);
    row_end();
}

static void arguments(void)
{
    char buf[256], big[70000], name[300];

    /* flags */
    row_add("flags:");
    row_add(" %s", says(setxattr("f", "user.x", "1", 1, XATTR_REPLACE)));
    row_add(" %s", says(setxattr("f", "user.x", "1", 1, XATTR_CREATE)));
    row_add(" %s", says(setxattr("f", "user.x", "2", 1, XATTR_CREATE)));
    row_add(" %s", says(setxattr("f", "user.x", "22", 2, XATTR_REPLACE)));
    row_add(" %s", says(setxattr("f", "user.x", "22", 2, XATTR_REPLACE | XATTR_CREATE)));
    row_add(" %s", says(setxattr("f", "user.y", "22", 2, XATTR_REPLACE | XATTR_CREATE)));
    row_add(" %s", says(setxattr("f", "user.x", "22", 2, 4)));
    row_add(" %s", says(setxattr("none", "user.x", "22", 2, 4)));
    row_end();
    row_add("sizes:");
    static const size_t sizes[] = {0, 1, 2, 3, 65535, 65536, 65537, 1UL << 31, 1UL << 32, -1UL};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        row_add(" %zx get=%s", sizes[i], says(getxattr("f", "user.x", big, sizes[i])));
        row_add(" list=%s", says(listxattr("f", big, sizes[i])));
        if (sizes[i] > 65536)
            row_add(" set=%s", says(setxattr("f", "user.x", big, sizes[i], 0)));
    }
    row_add(" %ld %ld", (long)getxattr("f", "user.x", NULL, 0),
            (long)getxattr("f", "user.x", buf, 100));
    row_end();
    row_add("pointers: %s", says(getxattr("f", "user.x", BAD_PTR, 10)));
    row_add(" %s", says(getxattr("f", BAD_PTR, buf, 10)));
    row_add(" %s", says(getxattr(BAD_PTR, "user.x", buf, 10)));
    row_add(" %s", says(setxattr("f", "user.x", BAD_PTR, 10, 0)));
    row_add(" %s", says(setxattr("f", "user.x", BAD_PTR, 0, 0)));
    row_add(" %s", says(setxattr("f", BAD_PTR, "1", 1, 0)));
    row_add(" %s", says(setxattr("f", BAD_PTR, "1", 1, 9)));
    row_add(" %s", says(listxattr("f", BAD_PTR, 100)));
    row_add(" %s", says(listxattr("f", BAD_PTR, 0)));
    row_end();
    row_add("names:");
    for (int len = 253; len < 260; len++) {
        memset(name, 'x', sizeof(name));
        memcpy(name, "user.", 5);
        name[len] = 0;
        row_add(" %d=%s", len, says(setxattr("f", name, "1", 1, 0)));
        row_add("/%s", says(getxattr("f", name, buf, 1)));
        row_add("/%s", says(removexattr("f", name)));
    }
    row_end();
}

static void capabilities(int fd)
{
    char buf[256];

    /* Capabilities of files: what they look like is checked. */
    struct vfs_ns_cap_data cap = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                                  .data = {{1 << 10, 0}}};
    row_add("capability: %s", says(setxattr("f", "security.capability", &cap, XATTR_CAPS_SZ_2, 0)));
    row_add(" %s", says(setxattr("f", "security.capability", &cap, 8, 0)));
    row_add(" %s", says(setxattr("f", "security.capability", &cap, 24, 0)));
    cap.magic_etc = 0;
    row_add(" %s", says(setxattr("f", "security.capability", &cap, XATTR_CAPS_SZ_2, 0)));
    row_add(" size %ld", (long)getxattr("f", "security.capability", buf, sizeof(buf)));
    row_add(" after chown");
    must(chown("f", 1000, -1));
    row_add(" %s", says(getxattr("f", "security.capability", buf, sizeof(buf))));
    cap.magic_etc = VFS_CAP_REVISION_2;
    must(setxattr("f", "security.capability", &cap, XATTR_CAPS_SZ_2, 0));
    must(write(fd, "x", 1));
    row_add(" after write %s", says(getxattr("f", "security.capability", buf, sizeof(buf))));
    must(setxattr("f", "security.capability", &cap, XATTR_CAPS_SZ_2, 0));
    must(truncate("f", 0));
    row_add(" after truncate %s", says(getxattr("f", "security.capability", buf, sizeof(buf))));
    row_end();
}

static void at_calls(int fd)
{
    char buf[256];

    /* The calls of Linux 6.13. */
    struct {
        uint64_t value;
        uint32_t size, flags;
        uint64_t more[2];
    } x = {.value = (uint64_t)(uintptr_t)buf, .size = sizeof(buf)};
    int d = open(".", O_PATH), of = open("f", O_PATH);
    row_add("at:");
    row_add(" %s", says(syscall(464, AT_FDCWD, "f", 0, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, d, "f", 0, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, d, "l", AT_SYMLINK_NOFOLLOW, "trusted.x", &x, 16)));
    row_add(" %s", says(syscall(464, fd, "", AT_EMPTY_PATH, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, fd, NULL, AT_EMPTY_PATH, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, of, "", AT_EMPTY_PATH, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, d, "", AT_EMPTY_PATH, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, fd, "", 0, "user.x", &x, 16)));
    row_add(" %s", says(syscall(464, AT_FDCWD, "f", 1, "user.x", &x, 16)));
    for (size_t n = 0; n < 40; n += 8)
        row_add(" %s", says(syscall(464, AT_FDCWD, "f", 0, "user.x", &x, n)));
    x.more[0] = 1;
    row_add(" %s", says(syscall(464, AT_FDCWD, "f", 0, "user.x", &x, 32)));
    row_add(" %s", says(syscall(464, AT_FDCWD, "f", 0, "user.x", &x, 5000)));
    row_add(" %s", says(syscall(464, AT_FDCWD, "f", 0, "user.x", BAD_PTR, 16)));
    x.flags = 1;
    row_add(" %s", says(syscall(464, AT_FDCWD, "f", 0, "user.x", &x, 16)));
    row_add(" set %s", says(syscall(463, AT_FDCWD, "f", 0, "user.x", &x, 16)));
    x.flags = 4;
    row_add(" %s", says(syscall(463, AT_FDCWD, "f", 0, "user.x", &x, 16)));
    x.flags = 0;
    x.size = 3;
    row_add(" %s", says(syscall(463, d, "f", 0, "user.z", &x, 16)));
    row_add(" %s", says(syscall(463, fd, "", AT_EMPTY_PATH, "user.z", &x, 16)));
    x.size = 70000;
    row_add(" %s", says(syscall(463, d, "f", 0, "user.z", &x, 16)));
    row_add(" list %ld", syscall(465, d, "f", 0, buf, sizeof(buf)) > 0 ? 1L : 0L);
    row_add(" %s", says(syscall(465, d, "f", 2, buf, sizeof(buf))));
    row_add(" %s", says(syscall(465, of, "", AT_EMPTY_PATH, buf, sizeof(buf))));
    row_add(" %s", says(syscall(465, d, "f", 0, buf, 1)));
    row_add(" remove %s", says(syscall(466, d, "f", 0, "user.z")));
    row_add(" %s", says(syscall(466, d, "f", 0, "user.z")));
    row_add(" %s", says(syscall(466, d, "f", 4, "user.z")));
    row_end();
}

int main(void)
{
    char buf[256];

    if (geteuid()) {
        skip("needs root");
        done();
    }
    tmp_enter();
    touch("f");
    touch("ro");
    must(mkdir("d", 0755));
    must(mkdir("sticky", 0755));
    must(symlink("f", "l"));
    must(mkfifo("p", 0666));
    must(mknod("s", S_IFSOCK | 0666, 0));
    for (size_t o = 0; o < sizeof(objects) / sizeof(*objects); o++) {
        must(lchown(objects[o], 1000, 3000));
        if (strcmp(objects[o], "l") != 0)
            must(chmod(objects[o], 0664));
    }
    must(chmod("sticky", 01777));
    must(chmod("ro", 0444));
    for (size_t u = 0; u < 4; u++)
        rows_of_child(table, (void *)&row_users[u]);
    must(chmod(".", 0755));
    arguments();
    must(setxattr("f", "trusted.t", "1", 1, 0));
    must(setxattr("f", "security.s", "1", 1, 0));
    must(setxattr("f", "user.b", "1", 1, 0));
    must(setxattr("f", "user.empty", "", 0, 0));
    list("list", "f");
    fflush(stdout);
    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        drop_root();
        char all[1024];
        ssize_t n = listxattr("f", all, sizeof(all));
        int seen = 0;
        for (ssize_t i = 0; i < n; i += (ssize_t)strlen(all + i) + 1)
            seen |= !strncmp(all + i, "trusted.", 8);
        _exit(seen);
    }
    int status;
    must(waitpid(pid, &status, 0));
    is_eq(status, 0); /* trusted attributes are not shown to others */
    int fd = open("f", O_WRONLY);
    capabilities(fd);
    row_add("descriptors: %s", says(fgetxattr(fd, "user.x", buf, 10)));
    row_add(" %s", says(fgetxattr(-1, "user.x", buf, 10)));
    row_add(" %s", says(fsetxattr(open("f", O_RDONLY), "user.x", buf, 10, 0)));
    int p[2];
    must(pipe(p));
    row_add(" %s %s %s", says(fgetxattr(p[0], "user.x", buf, 10)),
            says(fsetxattr(p[0], "user.x", buf, 10, 0)), says(flistxattr(p[0], buf, 10)));
    row_add(" %s %s", says(fremovexattr(p[0], "user.x")), says(fremovexattr(p[0], "trusted.x")));
    row_end();
    at_calls(fd);
    done();
}
