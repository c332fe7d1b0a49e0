/* open(2): O_PATH obtains a descriptor that indicates a location; the file itself is not opened,
 * and other file operations fail with EBADF. */
#include "tmp.h"

int main(void)
{
    struct stat st;
    char c;
    int fd, link;

    tmp_enter();
    close(file_with("f", "x"));
    must(symlink("f", "l"));
    ok((fd = open("f", O_PATH)) >= 0, "opens");
    is_errno(read(fd, &c, 1), EBADF);
    is_errno(write(fd, &c, 1), EBADF);
    is_errno(lseek(fd, 0, SEEK_SET), EBADF);
    is_errno(fchmod(fd, 0600), EBADF);
    is_errno(ftruncate(fd, 0), EBADF);
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_size, 1);
    is_eq(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
    ok((link = open("l", O_PATH | O_NOFOLLOW)) >= 0, "with O_NOFOLLOW it is the link itself");
    is_eq(fstat(link, &st), 0);
    is_eq(st.st_mode & S_IFMT, S_IFLNK);
    char target[8];
    is_eq(readlinkat(link, "", target, sizeof(target)), 1);
    done();
}
