/* dup2(2): newfd is closed first and reused; equal descriptors are a no-op for dup2() and EINVAL
 * for dup3(); a bad oldfd leaves newfd open. */
#include "tmp.h"

int main(void)
{
    int a, b;

    tmp_enter();
    a = file_with("a", "a");
    b = file_with("b", "bb");
    is_eq(dup2(a, b) == b, 1);
    is_eq(lseek(b, 0, SEEK_END), 1);
    is_eq(dup2(a, 200), 200);
    is_eq(fcntl(200, F_GETFD), 0);
    is_eq(dup3(a, 201, O_CLOEXEC), 201);
    is_eq(fcntl(201, F_GETFD), FD_CLOEXEC);
    is_eq(dup2(201, 201), 201);
    is_eq(fcntl(201, F_GETFD), FD_CLOEXEC);
    is_errno(dup3(a, a, 0), EINVAL);
    is_errno(dup3(a, 202, O_APPEND), EINVAL);
    is_errno(dup3(-1, -1, 0), EINVAL);
    is_errno(dup2(-1, 200), EBADF);
    is_eq(fcntl(200, F_GETFD), 0);
    is_errno(dup2(300, 300), EBADF);
    is_errno(dup2(a, -1), EBADF);
    is_errno(dup2(a, 1 << 30), EBADF);
    is_errno(dup3(a, 1 << 30, O_CLOEXEC), EBADF);
    done();
}
