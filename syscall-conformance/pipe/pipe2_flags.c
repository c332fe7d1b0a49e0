/* pipe2(2): flags are O_CLOEXEC, O_NONBLOCK, O_DIRECT; any other is EINVAL; on failure the array is
 * left alone and no descriptor is used up. */
#include "../process/child.h"

int main(void)
{
    int p[2] = {-5, -6};

    is_eq(pipe2(p, 0), 0);
    ok(p[0] >= 0 && p[1] == p[0] + 1, "lowest descriptors, the read end first");
    is_eq(fcntl(p[0], F_GETFL), O_RDONLY);
    is_eq(fcntl(p[1], F_GETFL), O_WRONLY);
    is_eq(fcntl(p[0], F_GETFD), 0);
    int first = p[0];
    close(p[0]);
    close(p[1]);

    is_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
    is_eq(p[0], first);
    is_eq(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(p[1], F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(p[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    is_eq(fcntl(p[1], F_GETFL), O_WRONLY | O_NONBLOCK);
    ok(fcntl(p[0], F_SETFL, 0) == 0 && fcntl(p[1], F_GETFL) == (O_WRONLY | O_NONBLOCK),
       "each end has its own status flags");
    close(p[0]);
    close(p[1]);

    p[0] = p[1] = -7;
    is_errno(pipe2(p, O_APPEND), EINVAL);
    is_errno(pipe2(p, O_WRONLY), EINVAL);
    is_errno(pipe2(p, 1 << 30), EINVAL);
    ok(p[0] == -7 && p[1] == -7, "array untouched");
    is_errno(pipe2(BAD_PTR, 0), EFAULT);
    is_errno(pipe2(BAD_PTR, O_APPEND), EINVAL);
    is_errno(pipe(BAD_PTR), EFAULT);
    int fd = dup(0);
    is_eq(fd, first);
    done();
}
