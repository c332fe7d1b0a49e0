/* ioctl_pidfd(2): PIDFD_GET_INFO, namespaces of a process; a pidfd's inode is that of the process,
 * on a file system of its own. */
#include "child.h"
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

struct info {
    uint64_t mask, cgroupid;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
    uint32_t coredump_mask, spare;
    uint64_t more[4];
};

#define GET_INFO(size) (3UL << 30 | (unsigned long)(size) << 16 | 0xff << 8 | 11)
#define GET_NS(n) (0xff << 8 | (n))

static void must(long r)
{
    if (r < 0)
        _exit(99);
}

static int popen_(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static ino_t ino_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) ? 0 : st.st_ino;
}

static void same_ns(int fd, unsigned int n, const char *name)
{
    char own[64], there[64], path[64];

    int ns = ioctl(fd, GET_NS(n), 0);
    snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
    ssize_t a = readlink(path, own, sizeof(own));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ns);
    ssize_t b = readlink(path, there, sizeof(there));
    printf("# %s\n", name);
    ok(ns >= 0 && a > 0 && a == b && !memcmp(own, there, (size_t)a), "its namespace");
    is_errno(ioctl(fd, GET_NS(n), 1), EINVAL);
    close(ns);
}

static void file_system(int fd, int other)
{
    struct statfs fs;
    struct stat st;
    int again = popen_(getpid());

    is_eq(fstatfs(fd, &fs), 0);
    is_eq(fs.f_type, 0x50494446);
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_mode, 0700);
    is_eq(st.st_nlink, 1);
    is_eq(st.st_size, 0);
    ok(st.st_uid == 0 && st.st_gid == 0, "root's");
    ok(ino_of(again) == ino_of(fd), "one process, one inode");
    ok(ino_of(other) != ino_of(fd), "another process, another inode");
    is_errno(fchmod(fd, 0600), EOPNOTSUPP);
    is_errno(fchown(fd, 1, 1), EOPNOTSUPP);
    is_errno(read(fd, &st, 1), EINVAL);
    is_errno(write(fd, &st, 1), EINVAL);
    is_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
    ok(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == ENODEV, "mmap");
    close(again);
}

int main(void)
{
    struct info i;
    int generation = -1;
    int hold[2];

    must(pipe(hold));
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        close(hold[1]);
        _exit(read(hold[0], &c, 1) ? 1 : 3);
    }
    int self = popen_(getpid()), other = popen_(pid);
    file_system(self, other);

    memset(&i, 0xaa, sizeof(i));
    i.mask = 0;
    is_eq(ioctl(other, GET_INFO(64), &i), 0);
    is_eq(i.mask, 7);
    ok(i.cgroupid != 0, "control group");
    ok(i.pid == (uint32_t)pid && i.tgid == i.pid && i.ppid == (uint32_t)getpid(), "ids");
    ok(i.ruid == getuid() && i.euid == geteuid() && i.suid == i.euid && i.fsuid == i.euid, "user");
    ok(i.rgid == getgid() && i.egid == getegid() && i.sgid == i.egid && i.fsgid == i.egid, "group");
    is_eq(i.exit_code, 0);
    is_eq(i.coredump_mask, 0xaaaaaaaa);
    i.mask = 0x10;
    is_eq(ioctl(other, GET_INFO(72), &i), 0);
    is_eq(i.mask, 0x17);
    is_eq(i.coredump_mask, 4);
    is_eq(i.more[0], 0xaaaaaaaaaaaaaaaa);
    is_eq(ioctl(other, GET_INFO(sizeof(i)), &i), 0);
    is_eq(i.more[3], 0);
    is_errno(ioctl(other, GET_INFO(0), &i), ENOTTY);
    is_errno(ioctl(other, GET_INFO(63), &i), ENOTTY);
    is_errno(ioctl(other, GET_INFO(64), NULL), EINVAL);
    is_errno(ioctl(other, GET_INFO(64), 8), EFAULT);
    is_errno(ioctl(other, GET_NS(11), 0), ENOTTY);
    is_errno(ioctl(other, GET_NS(12), 0), ENOTTY);
    is_errno(ioctl(other, GET_NS(0), 0), ENOTTY);
    is_errno(ioctl(other, TIOCGPGRP, &i), ENOTTY);
    is_eq(ioctl(other, _IOR('v', 1, long), &generation), 0);
    is_eq(generation, 0);

    static const char *const names[] = {"cgroup",           "ipc", "mnt", "net",  "pid",
                                        "pid_for_children", NULL,  NULL,  "user", "uts"};
    for (unsigned int n = 0; n < 10; n++)
        if (names[n])
            same_ns(other, n + 1, names[n]);

    close(hold[1]);
    siginfo_t info;
    is_eq(waitid(P_PIDFD, (id_t)other, &info, WEXITED | WNOWAIT), 0);
    i.mask = 8;
    is_eq(ioctl(other, GET_INFO(64), &i), 0);
    is_eq(i.mask, 7);
    is_eq(i.pid == (uint32_t)pid, 1);
    is_errno(ioctl(other, GET_NS(1), 0), ESRCH);
    is_errno(ioctl(other, GET_NS(1), 1), EINVAL);
    is_eq(waitid(P_PIDFD, (id_t)other, &info, WEXITED), 0);
    i.mask = 8;
    is_eq(ioctl(other, GET_INFO(64), &i), 0);
    is_eq(i.mask, 12);
    is_eq(i.exit_code, 3 << 8);
    is_eq(i.pid, 0);
    i.mask = 7;
    is_errno(ioctl(other, GET_INFO(64), &i), ESRCH);
    is_errno(ioctl(other, GET_NS(1), 1), ESRCH);
    done();
}
