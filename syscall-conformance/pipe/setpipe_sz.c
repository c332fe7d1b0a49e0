/* fcntl(2) F_SETPIPE_SZ: the capacity is rounded up to a power of two pages, is EBUSY below what
 * the pipe holds, and above pipe-max-size EPERM without CAP_SYS_RESOURCE. */
#include "../process/child.h"

static int p[2];

static void unprivileged(void)
{
    become_nobody();
    check(fcntl(p[0], F_SETPIPE_SZ, 1 << 20) == 1 << 20, 1);
    check(fcntl(p[0], F_SETPIPE_SZ, 1 << 22) == -1 && errno == EPERM, 2);
    check(fcntl(p[0], F_GETPIPE_SZ) == 1 << 20, 3);
    check(fcntl(p[0], F_SETPIPE_SZ, 1 << 16) == 1 << 16, 4);
}

int main(void)
{
    static char buf[1 << 18];

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    is_eq(fcntl(p[0], F_GETPIPE_SZ), 65536);
    is_eq(fcntl(p[1], F_GETPIPE_SZ), 65536);
    is_eq(fcntl(p[1], F_SETPIPE_SZ, 1), 4096);
    is_eq(fcntl(p[0], F_GETPIPE_SZ), 4096);
    is_eq(fcntl(p[0], F_SETPIPE_SZ, 0), 4096);
    is_eq(write(p[1], buf, sizeof(buf)), 4096);
    is_errno(write(p[1], buf, 1), EAGAIN);
    is_eq(fcntl(p[1], F_SETPIPE_SZ, 4097), 8192);
    is_eq(write(p[1], buf, sizeof(buf)), 4096);
    is_errno(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
    is_eq(fcntl(p[1], F_SETPIPE_SZ, 131072), 131072);
    is_eq(write(p[1], buf, sizeof(buf)), 131072 - 8192);
    is_eq(read(p[0], buf, sizeof(buf)), 131072);
    is_eq(fcntl(p[1], F_SETPIPE_SZ, 100000), 131072);
    is_errno(fcntl(p[1], F_SETPIPE_SZ, -1), EINVAL);
    int null = open("/dev/null", O_RDWR);
    is_errno(fcntl(null, F_GETPIPE_SZ), EBADF);
    is_errno(fcntl(null, F_SETPIPE_SZ, 4096), EBADF);
    is_errno(fcntl(99, F_GETPIPE_SZ), EBADF);
    ok(exited_with(in_child(unprivileged), 0), "limits of a user without capabilities");
    done();
}
