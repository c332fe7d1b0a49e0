/* read(2) EBADF: fd is not a valid file descriptor or is not open for reading; write(2) likewise.
 */
#include "tmp.h"

int main(void)
{
    char c = 'x';
    int r, w, both;

    tmp_enter();
    close(file_with("f", "abc"));
    ok((r = open("f", O_RDONLY)) >= 0, "read only");
    ok((w = open("f", O_WRONLY)) >= 0, "write only");
    ok((both = open("f", O_RDWR)) >= 0, "both");
    is_eq(read(r, &c, 1), 1);
    is_errno(write(r, &c, 1), EBADF);
    is_errno(read(w, &c, 1), EBADF);
    is_eq(write(w, &c, 1), 1);
    is_eq(read(both, &c, 1), 1);
    is_eq(write(both, &c, 1), 1);
    is_errno(ftruncate(r, 0), EINVAL);
    is_eq(fcntl(r, F_GETFL) & O_ACCMODE, O_RDONLY);
    is_eq(fcntl(w, F_GETFL) & O_ACCMODE, O_WRONLY);
    is_eq(fcntl(both, F_GETFL) & O_ACCMODE, O_RDWR);
    is_errno(pread(w, &c, 1, 0), EBADF);
    is_errno(pwrite(r, &c, 1, 0), EBADF);
    done();
}
