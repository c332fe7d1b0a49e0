/* O_PATH descriptors: what works on one of a file, a directory, a symlink, a FIFO; all else is
 * EBADF. */
#include "../rows.h"
#include <linux/fs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define try(what, expr) row_add(" %s=%s", what, says(expr))

static void table(const char *name, int fd)
{
    char buf[512];
    struct iovec v = {buf, 1};
    struct flock k = {.l_type = F_RDLCK};
    int p[2], e = epoll_create1(0), in = inotify_init(), file = open("f", O_RDWR);
    struct epoll_event ev = {.events = EPOLLIN};
    off_t zero = 0;

    must(pipe(p));
    row_add("%s:", name);
    try("read", read(fd, buf, 1));
    try("read0", read(fd, buf, 0));
    try("write", write(fd, buf, 1));
    try("pread", pread(fd, buf, 1, 0));
    try("pwrite", pwrite(fd, buf, 1, 0));
    try("readv", readv(fd, &v, 1));
    try("writev", writev(fd, &v, 1));
    try("lseek", lseek(fd, 0, SEEK_SET));
    try("ftruncate", ftruncate(fd, 0));
    try("fallocate", fallocate(fd, 0, 0, 1));
    try("fsync", fsync(fd));
    try("fdatasync", fdatasync(fd));
    try("syncfs", syncfs(fd));
    try("sync_file_range", sync_file_range(fd, 0, 1, 0));
    row_add(" fadvise=%s", err_name(posix_fadvise(fd, 0, 1, 0)));
    try("readahead", readahead(fd, 0, 1));
    try("getdents", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
    try("fchmod", fchmod(fd, 0644));
    try("fchown", fchown(fd, -1, -1));
    try("futimens", futimens(fd, NULL));
    try("fstat", syscall(SYS_fstat, fd, buf));
    try("fstatfs", syscall(SYS_fstatfs, fd, buf));
    try("fgetxattr", fgetxattr(fd, "user.x", buf, 1));
    try("fsetxattr", fsetxattr(fd, "user.x", buf, 1, 0));
    try("flistxattr", flistxattr(fd, buf, 1));
    try("fremovexattr", fremovexattr(fd, "user.x"));
    try("flock", flock(fd, LOCK_SH));
    try("ioctl", ioctl(fd, FIONREAD, buf));
    try("fioclex", ioctl(fd, FIOCLEX, buf));
    try("getflags", ioctl(fd, FS_IOC_GETFLAGS, buf));
    try("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    try("dup", close(dup(fd)));
    try("dup2", close(dup2(fd, 77)));
    try("dup3", close(dup3(fd, 77, O_CLOEXEC)));
    try("fchdir", fchdir(fd));
    must(chdir(tmp_path));
    try("sendfile-in", sendfile(file, fd, &zero, 1));
    try("sendfile-out", sendfile(fd, file, &zero, 1));
    try("splice", splice(fd, NULL, p[1], NULL, 1, 0));
    try("splice-out", splice(p[0], NULL, fd, NULL, 1, 0));
    try("copy", copy_file_range(fd, NULL, file, NULL, 1, 0));
    try("epoll", epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev));
    try("inotify", inotify_rm_watch(fd, 1));
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    row_add(" poll=%d:%x", poll(&pf, 1, 0), (unsigned int)pf.revents);
    for (int cmd = 0; cmd <= 40; cmd++)
        if (cmd != F_DUPFD && cmd != F_GETFL && cmd != F_SETLKW && cmd != 38)
            row_add(" fcntl%d=%s", cmd,
                    says(fcntl(fd, cmd,
                               cmd >= 5 && cmd <= 7 ? (long)&k
                               : cmd >= 36          ? (long)&k
                                                    : 0L)));
    for (int cmd = 1024; cmd <= 1042; cmd++)
        if (cmd != F_DUPFD_CLOEXEC)
            row_add(" fcntl%d=%s", cmd, says(fcntl(fd, cmd, 0L)));
    row_add(" dupfd=%s", says(close(fcntl(fd, F_DUPFD, 50))));
    row_add(" getfl=%o", (unsigned int)fcntl(fd, F_GETFL));
    try("openat", close(openat(fd, "x", O_RDONLY)));
    try("openat-empty", close(openat(fd, "", O_RDONLY)));
    try("fstatat", syscall(SYS_newfstatat, fd, "", buf, AT_EMPTY_PATH));
    try("readlinkat", readlinkat(fd, "", buf, 10));
    try("fchownat", fchownat(fd, "", -1, -1, AT_EMPTY_PATH));
    try("fchmodat2", syscall(452, fd, "", 0644, AT_EMPTY_PATH));
    try("linkat", linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
    unlink("linked");
    char proc[64];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    try("reopen", close(open(proc, O_RDONLY | O_NONBLOCK)));
    try("linkat-proc", linkat(AT_FDCWD, proc, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW));
    unlink("linked");
    try("chmod-proc", chmod(proc, 0644));
    try("execveat", syscall(SYS_execveat, fd, "", (char *[]){"x", NULL}, NULL, AT_EMPTY_PATH));
    try("getsockopt", getsockopt(fd, SOL_SOCKET, SO_TYPE, buf, (socklen_t[]){4}));
    try("statx", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, buf));
    try("close_range", syscall(SYS_close_range, 300, 301, 0));
    try("close", close(fd));
    row_end();
    close(p[0]), close(p[1]), close(e), close(in), close(file);
}

int main(void)
{
    tmp_enter();
    close(file_with("f", "content"));
    must(mkdir("d", 0755));
    must(symlink("f", "l"));
    must(mkfifo("p", 0644));
    must(mknod("s", S_IFSOCK | 0644, 0));
    table("file", (int)must(open("f", O_PATH | O_RDWR)));
    table("directory", (int)must(open("d", O_PATH)));
    table("symlink", (int)must(open("l", O_PATH | O_NOFOLLOW)));
    table("fifo", (int)must(open("p", O_PATH)));
    table("socket", (int)must(open("s", O_PATH)));
    table("directory with flags",
          (int)must(open("d", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_APPEND)));
    done();
}
