/* FIONREAD counts the unread bytes of a pipe at both ends; fstat shows one inode of type FIFO with
 * mode 0600; /proc/self/fd names it pipe:[inode] and opens the other direction. */
#include "../process/child.h"
#include <sys/ioctl.h>
#include <sys/statfs.h>

int main(void)
{
    int p[2], n = -1;
    struct stat a, b;
    struct statfs fs;
    char path[64], name[64] = "", want[64];

    if (pipe(p) < 0)
        return 1;
    is_eq(ioctl(p[0], FIONREAD, &n), 0);
    is_eq(n, 0);
    is_eq(write(p[1], "12345", 5), 5);
    ok(ioctl(p[0], FIONREAD, &n) == 0 && n == 5, "5 at the read end");
    ok(ioctl(p[1], FIONREAD, &n) == 0 && n == 5, "5 at the write end");
    is_errno(ioctl(p[0], FIONREAD, BAD_PTR), EFAULT);
    is_errno(ioctl(p[0], TIOCGWINSZ, &n), ENOTTY);
    n = 1;
    is_eq(ioctl(p[0], FIONBIO, &n), 0);
    is_eq(fcntl(p[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    n = 0;
    is_eq(ioctl(p[0], FIONBIO, &n), 0);
    is_eq(fcntl(p[0], F_GETFL), O_RDONLY);
    is_eq(ioctl(p[0], FIOCLEX), 0);
    is_eq(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    is_eq(ioctl(p[0], FIONCLEX), 0);
    is_eq(fcntl(p[0], F_GETFD), 0);

    is_eq(fstat(p[0], &a), 0);
    is_eq(fstat(p[1], &b), 0);
    ok(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "one inode");
    is_eq(a.st_mode, S_IFIFO | 0600);
    is_eq(a.st_size, 0);
    is_eq(a.st_nlink, 1);
    is_eq(a.st_uid == geteuid() && a.st_gid == getegid(), 1);
    is_eq(fstatfs(p[0], &fs), 0);
    is_eq(fs.f_type, 0x50495045);
    is_eq(fchmod(p[0], 0640), 0);
    ok(fstat(p[1], &b) == 0 && b.st_mode == (S_IFIFO | 0640), "chmod is seen at both ends");

    snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
    is_eq(readlink(path, name, sizeof(name) - 1) > 0, 1);
    snprintf(want, sizeof(want), "pipe:[%lu]", (unsigned long)a.st_ino);
    ok(!strcmp(name, want), "named pipe:[inode]");
    int w = open(path, O_WRONLY | O_NONBLOCK);
    ok(w >= 0 && write(w, "6", 1) == 1, "the other direction through /proc");
    ok(ioctl(p[0], FIONREAD, &n) == 0 && n == 6, "in the same pipe");
    done();
}
