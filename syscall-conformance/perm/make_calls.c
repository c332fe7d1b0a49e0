/* Calls that make and remove names: each with each kind of name; the order of checks. */
#include "../rows.h"
#include <sys/socket.h>
#include <sys/un.h>

static char long_name[300];

static int bind_at(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), e = 0;

    if (!name)
        return 0;
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
        e = errno;
    close(fd);
    return e;
}

static int make_or_remove(size_t call, const char *to, int *fd)
{
    int e;

    switch (call) {
    case 0:
        return errno_of(syscall(SYS_mkdir, to, 0755));
    case 1:
        return errno_of(syscall(SYS_rmdir, to));
    case 2:
        return errno_of(syscall(SYS_unlink, to));
    case 3:
        return errno_of(syscall(SYS_unlinkat, AT_FDCWD, to, AT_REMOVEDIR));
    case 4:
        return errno_of(syscall(SYS_symlink, "x", to));
    case 5:
        return errno_of(syscall(SYS_mknod, to, S_IFREG | 0644, 0));
    case 6:
        return errno_of(syscall(SYS_mknod, to, S_IFIFO | 0644, 0));
    case 7:
        return errno_of(syscall(SYS_link, to, "linked"));
    case 8:
        return errno_of(syscall(SYS_link, "f", to));
    case 9:
        return errno_of(*fd = (int)syscall(SYS_open, to, O_CREAT | O_RDWR | O_NONBLOCK, 0644));
    case 10:
        return errno_of(*fd = (int)syscall(SYS_open, to, O_CREAT | O_EXCL | O_RDWR, 0644));
    case 11:
        return errno_of(
            *fd = (int)syscall(SYS_open, to, O_CREAT | O_NOFOLLOW | O_RDWR | O_NONBLOCK, 0644));
    case 12:
        return errno_of(*fd = (int)syscall(SYS_open, to, O_DIRECTORY | O_RDONLY, 0644));
    case 13:
        return errno_of(*fd = (int)syscall(SYS_open, to, O_TMPFILE | O_RDWR, 0644));
    case 14:
        return errno_of(syscall(SYS_rename, "f", to));
    case 15:
        return errno_of(syscall(SYS_rename, "d", to));
    case 16:
        return errno_of(syscall(SYS_rename, to, "g"));
    case 17:
        return errno_of(syscall(SYS_rename, to, "e"));
    case 18:
        return errno_of(syscall(SYS_truncate, to, 0));
    case 19:
        e = errno_of(syscall(SYS_chdir, to));
        must(chdir(tmp_path));
        must(chdir("w"));
        return e;
    default:
        return bind_at(to);
    }
}

static void names(void)
{
    touch("f");
    touch("g");
    must(mkdir("d", 0755));
    must(mkdir("e", 0755));
    must(mkdir("full", 0755));
    touch("full/x");
    must(symlink("f", "l"));
    must(symlink("d", "ld"));
    must(symlink("none", "dangling"));
    must(symlink("loop", "loop"));
    must(mkfifo("ffd", 0644));
}

int main(void)
{
    tmp_enter();
    memset(long_name, 'n', 299);
    static const char *const targets[] = {
        "f",         "f/",       "d",     "d/",     "d/.",     "d/..",    ".",      "..",
        "/",         "/.",       "",      "new",    "new/",    "new/.",   "new/..", "new//",
        "f/new",     "none/new", "l",     "l/",     "ld",      "ld/",     "ld/.",   "dangling",
        "dangling/", "loop",     "loop/", "loop/x", "ld/new",  "ld/new/", "full",   "full/",
        "full/.",    "full/..",  "ffd",   "ffd/",   long_name, NULL};
    static const char *const calls[] = {
        "mkdir",     "rmdir",   "unlink",   "rmdirat",  "symlink",     "mknod",
        "mkfifo",    "link",    "linkto",   "creat",    "excl",        "excl-nofollow",
        "creat-dir", "tmpfile", "rename-f", "rename-d", "rename-to-g", "rename-to-e",
        "truncate",  "chdir",   "bind"};
    for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++) {
        row_add("%s:", calls[c]);
        for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
            const char *to = targets[i];
            int fd = -1;
            must(mkdir("w", 0755));
            must(chdir("w"));
            names();
            int e = make_or_remove(c, to, &fd);
            if (fd >= 0)
                close(fd);
            must(chdir(tmp_path));
            nftw("w", tmp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
            rmdir("new");
            row_add(" %s=%s", !to ? "null" : to == long_name ? "long" : to, err_name(e));
        }
        row_end();
    }
    done();
}
