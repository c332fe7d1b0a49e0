/* open(2): with O_APPEND, before each write(2) the file offset is positioned at the end of file. */
#include "tmp.h"

int main(void)
{
    int a, b;
    char c;

    tmp_enter();
    close(file_with("f", "one"));
    ok((a = open("f", O_RDWR | O_APPEND)) >= 0, "opens for appending");
    ok((b = open("f", O_RDWR | O_APPEND)) >= 0, "a second time");
    is_eq(lseek(a, 0, SEEK_CUR), 0);
    is_eq(write(a, "TWO", 3), 3);
    is_eq(lseek(a, 0, SEEK_CUR), 6);
    is_eq(write(b, "x", 1), 1);
    is_eq(lseek(a, 0, SEEK_SET), 0);
    is_eq(write(a, "y", 1), 1);
    ok(content_is("f", "oneTWOxy"), "everything was appended");
    is_eq(lseek(a, 1, SEEK_SET), 1);
    is_eq(read(a, &c, 1), 1);
    is_eq(c, 'n');
    done();
}
