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
            int e, fd = -1;
            must(mkdir("w", 0755));
            must(chdir("w"));
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
            switch (c) {
            case 0:
                e = errno_of(syscall(SYS_mkdir, to, 0755));
                break;
            case 1:
                e = errno_of(syscall(SYS_rmdir, to));
                break;
            case 2:
                e = errno_of(syscall(SYS_unlink, to));
                break;
            case 3:
                e = errno_of(syscall(SYS_unlinkat, AT_FDCWD, to, AT_REMOVEDIR));
                break;
            case 4:
                e = errno_of(syscall(SYS_symlink, "x", to));
                break;
            case 5:
                e = errno_of(syscall(SYS_mknod, to, S_IFREG | 0644, 0));
                break;
            case 6:
                e = errno_of(syscall(SYS_mknod, to, S_IFIFO | 0644, 0));
                break;
            case 7:
                e = errno_of(syscall(SYS_link, to, "linked"));
                break;
            case 8:
                e = errno_of(syscall(SYS_link, "f", to));
                break;
            case 9:
                e = errno_of(fd = (int)syscall(SYS_open, to, O_CREAT | O_RDWR | O_NONBLOCK, 0644));
                break;
            case 10:
                e = errno_of(fd = (int)syscall(SYS_open, to, O_CREAT | O_EXCL | O_RDWR, 0644));
                break;
            case 11:
                e = errno_of(fd = (int)syscall(SYS_open, to,
                                               O_CREAT | O_NOFOLLOW | O_RDWR | O_NONBLOCK, 0644));
                break;
            case 12:
                e = errno_of(fd = (int)syscall(SYS_open, to, O_DIRECTORY | O_RDONLY, 0644));
                break;
            case 13:
                e = errno_of(fd = (int)syscall(SYS_open, to, O_TMPFILE | O_RDWR, 0644));
                break;
            case 14:
                e = errno_of(syscall(SYS_rename, "f", to));
                break;
            case 15:
                e = errno_of(syscall(SYS_rename, "d", to));
                break;
            case 16:
                e = errno_of(syscall(SYS_rename, to, "g"));
                break;
            case 17:
                e = errno_of(syscall(SYS_rename, to, "e"));
                break;
            case 18:
                e = errno_of(syscall(SYS_truncate, to, 0));
                break;
            case 19:
                e = errno_of(syscall(SYS_chdir, to));
                must(chdir(tmp_path));
                must(chdir("w"));
                break;
            default:
                e = bind_at(to);
            }
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
