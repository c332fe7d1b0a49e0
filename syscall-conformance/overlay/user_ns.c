/*
 * An overlay of an ordinary user who is root of a user namespace: whiteouts are had, trusted
 * attributes are not, user.overlay.* in their stead if he asks for them.
 */
#include "../mount/user_ns.h"
#include <dirent.h>
#include <sys/xattr.h>

static int over(const char *options)
{
    return mount("over", "t/m", "overlay", 0, options);
}

static void put(const char *name, const char *text)
{
    int fd = must(open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644));

    must(write(fd, text, strlen(text)));
    close(fd);
}

static void names(const char *name)
{
    struct dirent **v;
    int n = scandir(name, &v, NULL, alphasort);

    row_add("%s has%s", name, n < 0 ? " no names" : ":");
    for (int i = 0; i < n; i++) {
        if (v[i]->d_name[0] != '.')
            row_add(" %s", v[i]->d_name);
        free(v[i]);
    }
    if (n >= 0)
        free(v);
    row_add("\n");
}

static void kind(const char *name)
{
    struct stat st;
    char value[64];

    if (lstat(name, &st)) {
        row_add("%s: %s\n", name, err_name(errno));
        return;
    }
    row_add("%s: %o of %u:%u, %s", name, st.st_mode, st.st_uid, st.st_gid,
            S_ISCHR(st.st_mode) && !st.st_rdev ? "whiteout" : "thing");
    static const char *const attrs[] = {"trusted.overlay.opaque", "user.overlay.opaque",
                                        "user.overlay.origin", "user.overlay.whiteout",
                                        "user.overlay.redirect"};
    for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
        ssize_t n = lgetxattr(name, attrs[i], value, sizeof(value));
        if (n >= 0)
            row_add(" %s%s%.*s", attrs[i], i == 2 ? "" : "=", i == 2 ? 0 : (int)n, value);
    }
    row_add("\n");
}

/* Layers on a tmpfs of the user's. */
static void enter(void)
{
    be_user();
    be_root_inside(CLONE_NEWNS);
    must(mount("x", "t", "tmpfs", 0, NULL));
    static const char *const dirs[] = {"t/a", "t/b",   "t/u",   "t/w",
                                       "t/m", "t/a/d", "t/a/e", "t/b/d"};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        must(mkdir(dirs[i], 0755));
    put("t/a/f", "a");
    put("t/a/d/x", "a");
    put("t/b/d/y", "b");
    put("t/b/g", "b");
}

#define UPPER ",upperdir=t/u,workdir=t/w"

static void changes(void)
{
    SAYS(unlink("t/m/f"));
    SAYS(unlink("t/m/d/x"));
    SAYS(chmod("t/m/g", 0600));
    SAYS(rename("t/m/g", "t/m/h"));
    SAYS(rename("t/m/e", "t/m/moved"));
    SAYS(mkdir("t/m/f", 0755));
    SAYS(unlink("t/m/d/y"));
    SAYS(rmdir("t/m/d"));
    SAYS(mkdir("t/m/d", 0700));
    SAYS(mkdir("t/m/new", 0700));
    SAYS(setxattr("t/m/new", "user.mine", "1", 1, 0));
    SAYS(setxattr("t/m/new", "trusted.mine", "1", 1, 0));
    SAYS(setxattr("t/m/new", "user.overlay.opaque", "y", 1, 0));
    SAYS(mknod("t/m/null", S_IFCHR | 0666, 0x103));
    SAYS(mknod("t/m/white", S_IFCHR, 0));
    SAYS(mknod("t/m/fifo", S_IFIFO | 0600, 0));
    SAYS(chown("t/m/h", 0, 0));
    SAYS(chown("t/m/h", 5, -1));
    names("t/m");
    names("t/m/d");
    names("t/u");
    kind("t/u/f");
    kind("t/u/d");
    kind("t/u/d/x");
    kind("t/u/g");
    kind("t/u/h");
    kind("t/u/e");
    kind("t/u/moved");
    kind("t/u/new");
    kind("t/u/fifo");
}

static void plain(void *arg)
{
    (void)arg;
    enter();
    SAYS(over("lowerdir=t/a:t/b" UPPER));
    changes();
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/u:t/a:t/b"));
    names("t/m");
    names("t/m/d");
}

static void userxattr(void *arg)
{
    (void)arg;
    enter();
    SAYS(over("lowerdir=t/a:t/b,userxattr" UPPER));
    changes();
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/u:t/a:t/b,userxattr"));
    names("t/m");
    names("t/m/d");
}

static void options(void *arg)
{
    (void)arg;
    enter();
    SAYS(over("lowerdir=t/a,redirect_dir=on" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,redirect_dir=follow" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,redirect_dir=on,userxattr" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,redirect_dir=nofollow,userxattr" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,metacopy=on,userxattr" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,metacopy=off,userxattr" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,index=on" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,xino=on" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/a,volatile" UPPER));
    SAYS(umount2("t/m", 0));
    SAYS(over("lowerdir=t/missing" UPPER));
    SAYS(over("upperdir=t/u,workdir=t/w"));
}

/* The layers of others: what they may not read shows, but not to everybody. */
static void layers_of_others(void *arg)
{
    int fd;

    (void)arg;
    enter();
    SAYS(over("lowerdir=root" UPPER));
    names("t/m");
    kind("t/m/f");
    SAYS(fd = open("t/m/f", O_RDONLY));
    SAYS(open("t/m/secret", O_RDONLY));
    SAYS(open("t/m/f", O_WRONLY));
    SAYS(chmod("t/m/f", 0666));
    SAYS(unlink("t/m/f"));
    SAYS(mkdir("t/m/free/mine", 0755));
    kind("t/m/free/mine");
    kind("t/u/free");
    SAYS(rename("t/m/free/theirs", "t/m/free/other"));
    names("t/m/free");
    SAYS(over("lowerdir=t/a,upperdir=root,workdir=t/w"));
    SAYS(over("lowerdir=t/a,upperdir=own/u,workdir=own/w"));
    SAYS(mkdir("t/m/made", 0755));
    kind("own/u/made");
}

int main(void)
{
    static void (*const parts[])(void *) = {plain, userxattr, options, layers_of_others};

    mnt_enter();
    must(chmod(".", 0777));
    open_to_all("t");
    dir("root");
    open_to_all("root/free");
    put("root/free/theirs", "t");
    put("root/f", "f");
    put("root/secret", "s");
    must(chmod("root/secret", 0600));
    dir("own");
    dir("own/u");
    dir("own/w");
    must(chown("own/u", 1000, 1000));
    must(chown("own/w", 1000, 1000));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        rows_of_child(parts[i], NULL);
    done();
}
