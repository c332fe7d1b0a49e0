/* O_TMPFILE and linkat(2): a file without a name gets its first one by descriptor, unless O_EXCL.
 */
#include "../rows.h"
#include <sys/xattr.h>

int main(void)
{
    char proc[64], name[64];
    struct stat st;

    tmp_enter();
    must(mkdir("d", 0755));
    touch("f");
    row_add("opens:");
    static const int flags[] = {O_RDWR,
                                O_WRONLY,
                                O_RDONLY,
                                O_RDWR | O_EXCL,
                                O_RDWR | O_CREAT,
                                O_RDWR | O_TRUNC,
                                O_RDWR | O_APPEND,
                                O_RDWR | O_NOFOLLOW,
                                O_RDWR | O_NOATIME,
                                O_RDWR | O_SYNC,
                                3};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        int fd = -1;
        row_add(" %s", says(fd = open("d", O_TMPFILE | flags[i], 0640)));
        row_add("/%s", says(open("f", O_TMPFILE | flags[i], 0640)));
        row_add("/%s", says(open("none", O_TMPFILE | flags[i], 0640)));
        if (fd < 0)
            continue;
        fstat(fd, &st);
        row_add(" %o %lu", st.st_mode, (unsigned long)st.st_nlink);
        row_add(" fl %o",
                (unsigned int)fcntl(fd, F_GETFL) & ~(unsigned int)O_LARGEFILE & ~0100000U);
        snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
        snprintf(name, sizeof(name), "n%zu", i);
        row_add(" %s", says(linkat(fd, "", AT_FDCWD, name, 0)));
        row_add(" %s", says(linkat(AT_FDCWD, proc, AT_FDCWD, name, 0)));
        row_add(" %s", says(linkat(AT_FDCWD, proc, AT_FDCWD, name, AT_SYMLINK_FOLLOW)));
        fstat(fd, &st);
        row_add(" %lu", (unsigned long)st.st_nlink);
        row_add(" %s", says(linkat(fd, "", AT_FDCWD, "second", AT_EMPTY_PATH)));
        row_add(" %s", says(unlink(name)));
        row_add(" %s", says(unlink("second")));
        fstat(fd, &st);
        row_add(" %lu", (unsigned long)st.st_nlink);
        row_add(" again %s", says(linkat(fd, "", AT_FDCWD, "third", AT_EMPTY_PATH)));
        unlink("third");
        close(fd);
    }
    row_end();
    int fd = (int)must(open("d", O_TMPFILE | O_RDWR, 0600));
    must(write(fd, "content", 7));
    must(fsetxattr(fd, "user.a", "v", 1, 0) && errno != EOPNOTSUPP ? -1 : 0);
    must(linkat(fd, "", AT_FDCWD, "d/given", AT_EMPTY_PATH));
    ok(content_is("d/given", "content"), "what was written is there");
    must(write(fd, "s", 1));
    ok(content_is("d/given", "contents"), "and goes on being the same file");
    row_add("onto: %s", says(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH)));
    row_add(" %s", says(linkat(fd, "", AT_FDCWD, "d", AT_EMPTY_PATH)));
    row_add(" %s", says(linkat(fd, "", AT_FDCWD, "none/x", AT_EMPTY_PATH)));
    row_end();
    close(fd);
    /* Renamed over, then unlinked: none of it makes a name again. */
    fd = (int)must(open("f", O_RDWR));
    must(unlink("f"));
    row_add("unlinked: %s", says(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH)));
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    row_add(" %s", says(linkat(AT_FDCWD, proc, AT_FDCWD, "back", AT_SYMLINK_FOLLOW)));
    row_add(" open %s", says(close(open(proc, O_RDWR))));
    row_add(" chmod %s", says(chmod(proc, 0600)));
    row_add(" truncate %s", says(truncate(proc, 3)));
    row_end();
    fd = (int)must(open("d", O_TMPFILE | O_RDWR, 0000));
    row_add("mode 0:");
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    char link[256];
    ssize_t n = readlink(proc, link, sizeof(link) - 1);
    link[n > 0 ? n : 0] = 0;
    row_add(" %s", says(write(fd, "x", 1)));
    row_add(" %d", !!strstr(link, " (deleted)"));
    row_end();
    done();
}
