/* copy_file_range(2): copies between files, advancing offsets given by pointer or the file offsets;
 * 0 at end of file; EBADF for wrong access modes or O_APPEND, EINVAL for overlap or flags. */
#include "tmp.h"

int main(void)
{
    int in, out;
    off_t at = 2, to = 1;

    tmp_enter();
    in = file_with("in", "0123456789");
    out = file_with("out", "");
    is_eq(copy_file_range(in, NULL, out, NULL, 4, 0), 4);
    is_eq(lseek(in, 0, SEEK_CUR), 4);
    is_eq(lseek(out, 0, SEEK_CUR), 4);
    is_eq(copy_file_range(in, &at, out, &to, 2, 0), 2);
    is_eq(at, 4);
    is_eq(to, 3);
    is_eq(lseek(in, 0, SEEK_CUR), 4);
    ok(content_is("out", "0233"), "the pieces are in place");
    is_eq(copy_file_range(in, NULL, out, NULL, 100, 0), 6);
    is_eq(copy_file_range(in, NULL, out, NULL, 100, 0), 0);
    ok(content_is("out", "0233456789"), "up to the end");
    is_errno(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
    at = 0, to = 2;
    is_errno(copy_file_range(in, &at, in, &to, 4, 0), EINVAL);
    is_errno(copy_file_range(in, NULL, open("out", O_RDONLY), NULL, 1, 0), EBADF);
    is_errno(copy_file_range(open("in", O_WRONLY), NULL, out, NULL, 1, 0), EBADF);
    is_errno(copy_file_range(in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 1, 0), EBADF);
    is_errno(copy_file_range(open(".", O_RDONLY), NULL, out, NULL, 1, 0), EISDIR);
    done();
}
