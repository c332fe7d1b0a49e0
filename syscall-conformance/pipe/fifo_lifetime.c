/* fifo(7): the data lives as long as one end is open, names and hard links lead to the same pipe,
 * and it works on after unlink. */
#include "../process/child.h"

int main(void)
{
    char buf[8] = "";
    struct stat a, b;

    enter_scratch();
    mkfifo("f", 0600);
    int rw = open("f", O_RDWR | O_NONBLOCK);
    is_eq(write(rw, "abc", 3), 3);
    is_eq(link("f", "g"), 0);
    int r = open("g", O_RDONLY | O_NONBLOCK);
    is_eq(read(r, buf, 1), 1);
    is_eq(buf[0], 'a');
    is_eq(rename("g", "h"), 0);
    is_eq(unlink("f"), 0);
    int w = open("h", O_WRONLY | O_NONBLOCK);
    ok(w >= 0, "a renamed name leads to the same pipe");
    is_eq(write(w, "d", 1), 1);
    is_eq(unlink("h"), 0);
    is_eq(read(r, buf, 8), 3);
    ok(!memcmp(buf, "bcd", 3), "in order");
    ok(fstat(r, &a) == 0 && fstat(w, &b) == 0 && a.st_ino == b.st_ino && a.st_nlink == 0,
       "one unlinked inode");
    close(rw);
    close(w);
    is_eq(read(r, buf, 1), 0);
    close(r);

    mkfifo("f", 0600);
    rw = open("f", O_RDWR | O_NONBLOCK);
    is_eq(write(rw, "lost", 4), 4);
    close(rw);
    r = open("f", O_RDONLY | O_NONBLOCK);
    is_eq(read(r, buf, 4), 0);
    is_errno(truncate("f", 0), EINVAL);
    int t = open("f", O_RDWR | O_TRUNC | O_NONBLOCK);
    ok(t >= 0, "O_TRUNC is ignored");
    is_errno(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    int path = open("f", O_PATH);
    ok(path >= 0, "O_PATH does not wait");
    is_errno(read(path, buf, 1), EBADF);
    done();
}
