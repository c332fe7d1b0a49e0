/* open(2): O_DIRECTORY: if pathname is not a directory, cause the open to fail (ENOTDIR); EISDIR:
 * pathname refers to a directory and the access requested involved writing. */
#include "tmp.h"

int main(void)
{
    char c;
    int fd;

    tmp_enter();
    touch("f");
    must(mkdir("d", 0755));
    must(symlink("d", "l"));
    is_errno(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    ok((fd = open("d", O_RDONLY | O_DIRECTORY)) >= 0, "opens a directory");
    is_errno(read(fd, &c, 1), EISDIR);
    is_errno(write(fd, &c, 1), EBADF);
    ok(open("l", O_RDONLY | O_DIRECTORY) >= 0, "follows a link to one");
    is_errno(open("l", O_RDONLY | O_DIRECTORY | O_NOFOLLOW), ENOTDIR);
    is_errno(open("d", O_WRONLY), EISDIR);
    is_errno(open("d", O_RDWR), EISDIR);
    is_errno(open("d", O_RDONLY | O_TRUNC), EISDIR);
    is_errno(open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
    is_errno(open("new", O_RDONLY | O_DIRECTORY), ENOENT);
    done();
}
