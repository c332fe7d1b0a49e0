/* unlink(2): if the name was the last link but any processes still have the file open, it remains
 * in existence until the last descriptor is closed. */
#include "tmp.h"

int main(void)
{
    struct stat st;
    char buf[8];
    int fd;

    tmp_enter();
    fd = file_with("f", "abc");
    is_eq(unlink("f"), 0);
    ok(!exists("f"), "the name is gone");
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_nlink, 0);
    is_eq(read(fd, buf, sizeof(buf)), 3);
    is_eq(write(fd, "d", 1), 1);
    is_eq(pread(fd, buf, sizeof(buf), 0), 4);
    touch("f");
    is_eq(size_of("f"), 0);
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_size, 4);
    is_eq(ftruncate(fd, 100), 0);
    is_eq(lseek(fd, 0, SEEK_END), 100);
    done();
}
