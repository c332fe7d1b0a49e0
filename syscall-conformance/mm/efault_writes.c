/* Calls that read a buffer or a path fail with EFAULT when it is not readable memory. */
#include "../process/child.h"
#include <poll.h>
#include <sys/select.h>
#include <sys/uio.h>

int main(void)
{
    char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int p[2];

    if (pipe(p) < 0)
        return 1;
    is_errno(syscall(SYS_write, p[1], bad, 4), EFAULT);
    is_errno(syscall(SYS_open, bad, O_RDONLY), EFAULT);
    is_errno(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY), EFAULT);
    is_errno(syscall(SYS_stat, NULL, bad), EFAULT);
    is_errno(syscall(SYS_access, bad, 0), EFAULT);
    is_errno(syscall(SYS_mkdir, bad, 0), EFAULT);
    is_errno(syscall(SYS_chdir, bad), EFAULT);
    is_errno(syscall(SYS_writev, p[1], bad, 1), EFAULT);
    struct iovec iov[2] = {{"ab", 2}, {bad, 2}};
    is_errno(writev(p[1], iov, 2), EFAULT); /* a pipe takes a page whole or not at all */
    is_errno(writev(p[1], iov + 1, 1), EFAULT);
    is_errno(syscall(SYS_nanosleep, bad, NULL), EFAULT);
    is_errno(syscall(SYS_poll, bad, 1, 0), EFAULT);
    is_errno(syscall(SYS_select, 1, bad, NULL, NULL, NULL), EFAULT);
    is_errno(syscall(SYS_rename, "/nowhere", bad), EFAULT);
    is_errno(syscall(SYS_write, p[1], -1L, 1), EFAULT);
    is_errno(syscall(SYS_write, p[1], 1UL << 63, 1), EFAULT);
    is_errno(syscall(SYS_execve, bad, NULL, NULL), EFAULT);
    done();
}
