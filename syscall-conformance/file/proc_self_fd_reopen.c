/* proc(5): opening /proc/self/fd/N makes a new open file description of the same file, also when it
 * has been unlinked. */
#include "tmp.h"

int main(void)
{
    char path[64], buf[8], target[PATH_MAX];
    int fd, again;
    ssize_t n;

    tmp_enter();
    fd = file_with("f", "abc");
    must(lseek(fd, 2, SEEK_SET));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ok((again = open(path, O_RDWR)) >= 0, "reopens");
    is_eq(lseek(again, 0, SEEK_CUR), 0);
    is_eq(read(again, buf, 8), 3);
    must(unlink("f"));
    ok((again = open(path, O_RDONLY)) >= 0, "reopens what has no name");
    is_eq(read(again, buf, 8), 3);
    n = readlink(path, target, sizeof(target) - 1);
    ok(n > 10 && !memcmp(target + n - 10, " (deleted)", 10), "the link says so");
    close(fd);
    is_errno(open(path, O_RDONLY), ENOENT);
    done();
}
