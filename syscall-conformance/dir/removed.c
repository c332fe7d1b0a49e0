/* A directory that was removed while open or current: it is empty, nothing can be made in it, and
 * getcwd(2) is ENOENT. */
#include "../tmp.h"
#include <dirent.h>

int main(void)
{
    char buf[1024];
    struct stat st;

    tmp_enter();
    is_eq(mkdir("d", 0700), 0);
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    is_eq(chdir("d"), 0);
    is_eq(rmdir("../d"), 0);
    is_errno(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
    is_errno(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
    is_errno(mkdir("x", 0700), ENOENT);
    is_errno(symlink("a", "b"), ENOENT);
    is_errno(openat(fd, "x", O_RDONLY), ENOENT);
    is_eq(syscall(SYS_getdents64, fd, buf, sizeof(buf)) <= 0, 1);
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_nlink, 0);
    is_eq(stat(".", &st), 0);
    is_eq(chdir(".."), 0);
    is_errno(stat("d", &st), ENOENT);
    is_eq(mkdir("d", 0700), 0); /* another */
    is_errno(openat(fd, "y", O_CREAT | O_WRONLY, 0600), ENOENT);
    done();
}
