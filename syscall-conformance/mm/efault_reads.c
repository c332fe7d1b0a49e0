/* Calls that fill a buffer fail with EFAULT when it is not writable memory. */
#include "../process/child.h"
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>

int main(void)
{
    char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int p[2], status;

    if (pipe(p) < 0 || write(p[1], "data", 4) != 4)
        return 1;
    is_errno(syscall(SYS_read, p[0], bad, 4), EFAULT);
    is_errno(syscall(SYS_read, p[0], ro, 4), EFAULT);
    is_errno(syscall(SYS_pipe, bad), EFAULT);
    is_errno(syscall(SYS_pipe, ro), EFAULT);
    is_errno(syscall(SYS_stat, "/", bad), EFAULT);
    is_errno(syscall(SYS_fstat, 0, bad), EFAULT);
    is_errno(syscall(SYS_uname, bad), EFAULT);
    is_errno(syscall(SYS_getcwd, bad, 4096), EFAULT);
    is_errno(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad), EFAULT);
    is_errno(syscall(SYS_gettimeofday, bad, NULL), EFAULT);
    is_errno(syscall(SYS_getrandom, bad, 16, 0), EFAULT);
    is_errno(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad), EFAULT);
    is_errno(syscall(SYS_getrlimit, 7, bad), EFAULT);
    is_errno(syscall(SYS_times, bad), EFAULT);
    is_errno(syscall(SYS_readlink, "/proc/self/exe", bad, 100), EFAULT);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    is_errno(syscall(SYS_wait4, pid, bad, 0, NULL), EFAULT);
    is_errno(waitpid(pid, &status, 0), ECHILD);
    char c;
    is_eq(read(p[0], &c, 1), 1);
    done();
}
