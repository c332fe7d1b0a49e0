/* open(2): O_TMPFILE creates an unnamed temporary regular file; linkat() can give it a name, unless
 * O_EXCL was given. */
#include "tmp.h"

int main(void)
{
    struct stat st;
    char path[64];
    int fd;

    tmp_enter();
    is_errno(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    ok(fd >= 0, "creates");
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_nlink, 0);
    is_eq(st.st_mode, S_IFREG | 0600);
    is_eq(write(fd, "hidden", 6), 6);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    is_eq(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    ok(content_is("named", "hidden"), "has the content under its name");
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_nlink, 1);
    touch("f");
    is_errno(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    ok(fd >= 0, "with O_EXCL");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    is_errno(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW), ENOENT);
    done();
}
