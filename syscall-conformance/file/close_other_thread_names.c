/* close(2): the record survives while other descriptors, also in other processes, refer to it. */
#include "tmp.h"

static int fd;

static int child(void)
{
    char c;

    return read(fd, &c, 1) != 1 || c != 'a' || close(fd) || read(fd, &c, 1) != -1;
}

int main(void)
{
    char c;

    tmp_enter();
    fd = file_with("f", "ab");
    must(unlink("f"));
    is_eq(in_child(child), 0);
    is_eq(read(fd, &c, 1), 1);
    is_eq(c, 'b');
    is_eq(lseek(fd, 0, SEEK_CUR), 2);
    done();
}
