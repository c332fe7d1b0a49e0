/* open(2): O_TRUNC makes an existing regular file's length 0; otherwise content stays. */
#include "tmp.h"

int main(void)
{
    int fd;

    tmp_enter();
    close(file_with("f", "content"));
    ok((fd = open("f", O_RDWR)) >= 0, "opens");
    is_eq(size_of("f"), 7);
    ok(open("f", O_WRONLY | O_TRUNC) >= 0, "opens with O_TRUNC");
    is_eq(size_of("f"), 0);
    is_eq(lseek(fd, 0, SEEK_END), 0);
    close(file_with("f", "again"));
    ok(open("f", O_WRONLY | O_CREAT | O_TRUNC, 0600) >= 0, "O_CREAT | O_TRUNC of an existing file");
    is_eq(size_of("f"), 0);
    struct stat st;
    is_eq(stat("f", &st), 0);
    is_eq(st.st_mode & 07777, 0644);
    done();
}
