/* write(2): a count of zero on a regular file writes nothing and detects errors only; writing past
 * the end leaves zeros between. */
#include "tmp.h"

int main(void)
{
    char buf[10001];
    int fd;

    tmp_enter();
    fd = file_with("f", "a");
    must(lseek(fd, 5000, SEEK_SET));
    is_eq(write(fd, "", 0), 0);
    is_eq(size_of("f"), 1);
    is_eq(lseek(fd, 0, SEEK_CUR), 5000);
    is_eq(pwrite(fd, "b", 1, 10000), 1);
    is_eq(pread(fd, buf, sizeof(buf), 0), 10001);
    int zeros = 0;
    for (int i = 0; i < 10001; i++)
        zeros += !buf[i];
    is_eq(zeros, 9999);
    is_eq(buf[10000], 'b');
    is_eq(read(fd, buf, 0), 0);
    done();
}
