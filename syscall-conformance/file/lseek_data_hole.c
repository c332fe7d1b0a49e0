/* lseek(2): SEEK_DATA finds the next data, SEEK_HOLE the next hole, the end of file being one;
 * ENXIO at or beyond the end. */
#include "tmp.h"

#define MIB (1024 * 1024L)

int main(void)
{
    off_t data;
    int fd;

    tmp_enter();
    fd = file_with("f", "");
    is_errno(lseek(fd, 0, SEEK_DATA), ENXIO);
    is_errno(lseek(fd, 0, SEEK_HOLE), ENXIO);
    must(pwrite(fd, "end", 3, 4 * MIB));
    must(fsync(fd));
    data = lseek(fd, 0, SEEK_DATA);
    ok(data >= 0 && data <= 4 * MIB, "data begins at or before the first byte written");
    is_eq(lseek(fd, 0, SEEK_CUR), data);
    is_eq(lseek(fd, 4 * MIB, SEEK_DATA), 4 * MIB);
    is_eq(lseek(fd, 4 * MIB + 1, SEEK_HOLE), 4 * MIB + 3);
    ok(lseek(fd, 0, SEEK_HOLE) >= 0, "a hole is found from 0");
    is_errno(lseek(fd, 4 * MIB + 3, SEEK_DATA), ENXIO);
    is_errno(lseek(fd, 4 * MIB + 3, SEEK_HOLE), ENXIO);
    is_errno(lseek(fd, 5 * MIB, SEEK_HOLE), ENXIO);
    is_errno(lseek(fd, -1, SEEK_DATA), ENXIO);
    done();
}
