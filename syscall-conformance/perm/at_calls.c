/* The *at calls: each kind of directory descriptor with each kind of name, and each flag. The order
 * of their checks decides which errno wins. */
#include "../rows.h"
#include <linux/openat2.h>
#include <sys/xattr.h>
#include <sys/statfs.h>
#include <sys/socket.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static struct {
    const char *name;
    int fd;
} dirs[16];
static int ndirs;

static void add_dir(const char *name, int fd)
{
    dirs[ndirs].name = name;
    dirs[ndirs++].fd = fd;
}

static char long_name[300], long_path[5000];

enum call {
    STATX,
    FSTATAT,
    FACCESSAT,
    FCHMODAT,
    FCHMODAT2,
    FCHOWNAT,
    UTIMENSAT,
    READLINKAT,
    OPENAT,
    OPENAT_PATH,
    LINKAT,
    LINKAT_TO,
    NAME_TO_HANDLE,
    EXECVEAT,
    INOTIFY,
    NCALLS
};
static const char *const names[] = {"statx",     "newfstatat",  "faccessat2", "fchmodat",
                                    "fchmodat2", "fchownat",    "utimensat",  "readlinkat",
                                    "openat",    "openat+path", "linkat",     "linkat-to"};

static int one(enum call c, int fd, const char *path, int flags)
{
    char buf[512];
    long r;

    errno = 0;
    switch (c) {
    case STATX:
        r = syscall(SYS_statx, fd, path, flags, 0x7ff, buf);
        break;
    case FSTATAT:
        r = syscall(SYS_newfstatat, fd, path, buf, flags);
        break;
    case FACCESSAT:
        r = syscall(SYS_faccessat2, fd, path, R_OK, flags);
        break;
    case FCHMODAT:
        r = syscall(SYS_fchmodat, fd, path, 0755);
        break;
    case FCHMODAT2:
        r = syscall(SYS_fchmodat2, fd, path, 0755, flags);
        break;
    case FCHOWNAT:
        r = syscall(SYS_fchownat, fd, path, -1, -1, flags);
        break;
    case UTIMENSAT:
        r = syscall(SYS_utimensat, fd, path, NULL, flags);
        break;
    case READLINKAT:
        r = syscall(SYS_readlinkat, fd, path, buf, sizeof(buf));
        break;
    case OPENAT:
        r = syscall(SYS_openat, fd, path, flags | O_CLOEXEC, 0);
        if (r >= 0)
            close((int)r);
        break;
    case OPENAT_PATH:
        r = syscall(SYS_openat, fd, path, flags | O_PATH | O_CLOEXEC, 0);
        if (r >= 0)
            close((int)r);
        break;
    case LINKAT:
        r = syscall(SYS_linkat, fd, path, AT_FDCWD, "linked", flags);
        unlink("linked");
        break;
    case LINKAT_TO:
        r = syscall(SYS_linkat, AT_FDCWD, "f", fd, path, 0);
        break;
    default:
        r = 0;
    }
    return r < 0 ? errno : 0;
}

static int changes(enum call c)
{
    return c == FCHMODAT || c == FCHMODAT2 || c == FCHOWNAT || c == UTIMENSAT;
}

static int is_root(const char *path)
{
    return path && !strcmp(path, "/");
}

static void flags_of(enum call c, int fd, const char *path, const char *what)
{
    row_add("%s %s, flags:", names[c], what);
    for (int bit = 0; bit < 32; bit++)
        row_add(" %s", err_name(one(c, fd, path, (int)(1u << bit))));
    row_end();
}

int main(void)
{
    int sv[2], p[2];

    tmp_enter();
    memset(long_name, 'n', 299);
    for (int i = 0; i < 4998; i++)
        long_path[i] = i & 1 ? '/' : '.';
    touch("f");
    must(chmod("f", 0755));
    must(dup2((int)must(open("f", O_RDWR)), 0)); /* what "proc" leads to is changed */
    must(mkdir("d", 0755));
    touch("d/f");
    must(symlink("f", "l"));
    must(symlink("none", "dangling"));
    must(symlink("d", "ld"));
    must(symlink("loop", "loop"));
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    add_dir("cwd", AT_FDCWD);
    add_dir("-1", -1);
    add_dir("closed", 999);
    add_dir("file", (int)must(open("f", O_RDONLY)));
    add_dir("dir", (int)must(open("d", O_RDONLY)));
    add_dir("path-dir", (int)must(open("d", O_PATH)));
    add_dir("path-file", (int)must(open("f", O_PATH)));
    add_dir("path-link", (int)must(open("l", O_PATH | O_NOFOLLOW)));
    add_dir("pipe", p[0]);
    add_dir("socket", sv[0]);
    static const struct {
        const char *name, *path;
    } paths[] = {{"f", "f"},
                 {"empty", ""},
                 {"null", NULL},
                 {"dot", "."},
                 {"f/", "f/"},
                 {"d/", "d/"},
                 {"l", "l"},
                 {"l/", "l/"},
                 {"ld", "ld"},
                 {"ld/", "ld/"},
                 {"dangling", "dangling"},
                 {"loop", "loop"},
                 {"f/x", "f/x"},
                 {"none/x", "none/x"},
                 {"none/", "none/"},
                 {"/", "/"},
                 {"long", long_name},
                 {"longer", long_path},
                 {"proc", "/proc/self/fd/0"}};
    for (enum call c = 0; c <= LINKAT_TO; c++)
        for (int d = 0; d < ndirs; d++)
            for (int e = 0; e < 3; e++) {
                static const int extra[] = {0, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW};
                int flag = extra[e];
                if (e && (c == FCHMODAT || c == READLINKAT || c == OPENAT || c == OPENAT_PATH ||
                          c == LINKAT_TO))
                    continue;
                if (e == 2 && c == LINKAT)
                    flag = AT_SYMLINK_FOLLOW;
                row_add("%s %s%s:", names[c], dirs[d].name,
                        e == 1 ? " empty-path"
                        : e    ? " nofollow"
                               : "");
                for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) - (c == UTIMENSAT); i++)
                    if (!changes(c) || !is_root(paths[i].path)) /* that is the machine's */
                        row_add(" %s=%s", paths[i].name,
                                err_name(one(c, dirs[d].fd, paths[i].path, flag)));
                row_end();
            }
    for (enum call c = 0; c < LINKAT_TO; c++) {
        if (c == OPENAT || c == OPENAT_PATH || c == READLINKAT || c == FCHMODAT)
            continue;
        flags_of(c, AT_FDCWD, "f", "f");
        flags_of(c, AT_FDCWD, "", "empty");
        flags_of(c, dirs[3].fd, "", "file, empty");
        flags_of(c, dirs[3].fd, NULL, "file, null");
        flags_of(c, AT_FDCWD, NULL, "null");
    }
    done();
}
