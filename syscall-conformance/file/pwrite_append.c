/* pwrite(2), BUGS: on Linux, if a file is opened with O_APPEND, pwrite() appends data to the end of
 * the file, regardless of the value of offset. */
#include "tmp.h"

int main(void)
{
    int fd;

    tmp_enter();
    close(file_with("f", "abc"));
    ok((fd = open("f", O_WRONLY | O_APPEND)) >= 0, "opens for appending");
    is_eq(pwrite(fd, "d", 1, 0), 1);
    ok(content_is("f", "abcd"), "appended, not at 0");
    is_eq(lseek(fd, 0, SEEK_CUR), 0);
    is_eq(fcntl(fd, F_SETFL, 0), 0);
    is_eq(pwrite(fd, "A", 1, 0), 1);
    ok(content_is("f", "Abcd"), "without O_APPEND at 0");
    done();
}
