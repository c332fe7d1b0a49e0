/* setns(2), ioctl_nsfs(2): namespaces as files. */
#include "ns.h"
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

#define NS_GET_USERNS_ 0xb701
#define NS_GET_PARENT_ 0xb702
#define NS_GET_NSTYPE_ 0xb703
#define NS_GET_OWNER_UID_ 0xb704

static int uts(void)
{
    struct utsname u;
    char before[65];

    CHECK(!uname(&u));
    strcpy(before, u.nodename);
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    CHECK(fd >= 0);
    unsigned long ino = ns_ino("uts");
    CHECK(!unshare(CLONE_NEWUTS));
    CHECK(ns_ino("uts") != ino);
    CHECK(!sethostname("other", 5) && !uname(&u) && !strcmp(u.nodename, "other"));
    CHECK_ERR(setns(fd, CLONE_NEWIPC), EINVAL);
    CHECK_ERR(setns(fd, 12345), EINVAL);
    CHECK_ERR(setns(-1, 0), EBADF);
    CHECK_ERR(setns(0, 0), EINVAL);
    CHECK(ioctl(fd, NS_GET_NSTYPE_) == CLONE_NEWUTS);
    CHECK_ERR(ioctl(fd, NS_GET_PARENT_), EINVAL);
    CHECK_ERR(ioctl(fd, 0x1234), ENOTTY);
    CHECK(!setns(fd, CLONE_NEWUTS));
    CHECK(!uname(&u) && !strcmp(u.nodename, before) && ns_ino("uts") == ino);
    CHECK(!setns(fd, 0));
    return 0;
}

static int owners(void)
{
    CHECK(!unshare(CLONE_NEWUSER | CLONE_NEWUTS));
    int u = open("/proc/self/ns/uts", O_RDONLY), s = open("/proc/self/ns/user", O_RDONLY);
    struct stat a, b;
    int owner = ioctl(u, NS_GET_USERNS_);
    CHECK(owner >= 0 && !fstat(owner, &a) && !fstat(s, &b) && a.st_ino == b.st_ino &&
          a.st_dev == b.st_dev);
    uid_t uid;
    CHECK(!ioctl(s, NS_GET_OWNER_UID_, &uid) && uid == 65534);
    CHECK_ERR(ioctl(s, NS_GET_PARENT_), EPERM);
    CHECK_ERR(setns(s, 0), EINVAL);
    int i = open("/proc/self/ns/ipc", O_RDONLY);
    CHECK_ERR(setns(i, 0), EPERM);
    return 0;
}

static int by_pidfd(void)
{
    int a[2], status;
    char c;
    struct utsname u;

    CHECK(!pipe(a));
    pid_t pid = fork();
    if (!pid) {
        if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) || sethostname("there", 5) ||
            write(a[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    CHECK(read(a[0], &c, 1) == 1);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    CHECK_ERR(setns(fd, 0), EINVAL);
    CHECK_ERR(setns(fd, 1), EINVAL);
    CHECK(!setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
    CHECK(!uname(&u) && !strcmp(u.nodename, "there"));
    CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
    CHECK_ERR(setns(fd, CLONE_NEWUTS), ESRCH);
    return 0;
}

static int bound(void)
{
    char before[128], after[128];

    CHECK(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK(!mount("x", "/tmp", "tmpfs", 0, NULL));
    close(open("/tmp/ns", O_CREAT | O_WRONLY, 0600));
    unsigned long ino = ns_ino("uts");
    CHECK(!mount("/proc/self/ns/uts", "/tmp/ns", NULL, MS_BIND, NULL));
    CHECK(!unshare(CLONE_NEWUTS) && ns_ino("uts") != ino);
    int fd = open("/tmp/ns", O_RDONLY);
    CHECK(fd >= 0 && !setns(fd, CLONE_NEWUTS) && ns_ino("uts") == ino);
    ssize_t n = readlink("/proc/self/ns/uts", before, sizeof(before) - 1);
    CHECK(n > 0);
    before[n] = 0;
    snprintf(after, sizeof(after), "uts:[%lu]", ino);
    CHECK(!strcmp(before, after));
    return 0;
}

static int mounts(void)
{
    int fd = open("/proc/self/ns/mnt", O_RDONLY);
    char cwd[64];

    CHECK(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK(!mount("x", "/tmp", "tmpfs", 0, NULL) && !mkdir("/tmp/only-here", 0700));
    CHECK(!chdir("/tmp/only-here"));
    CHECK(!setns(fd, 0));
    CHECK(access("/tmp/only-here", F_OK));
    CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
    return 0;
}

static int abstract_bind(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0conformance-ns"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    return bind(fd, (void *)&a, sizeof(sa_family_t) + 15);
}

static int net(void)
{
    CHECK(!abstract_bind());
    CHECK_ERR(abstract_bind(), EADDRINUSE);
    CHECK(!unshare(CLONE_NEWNET));
    CHECK(!abstract_bind());
    return 0;
}

static int children(void)
{
    char a[64], b[64];
    int status;

    CHECK(!unshare(CLONE_NEWPID));
    ssize_t n = readlink("/proc/self/ns/pid", a, sizeof(a)),
            m = readlink("/proc/self/ns/pid_for_children", b, sizeof(b));
    CHECK(n > 0 && (m < 0 || m != n || memcmp(a, b, (size_t)n)));
    int p[2];
    char c;
    CHECK(!pipe(p));
    pid_t pid = fork();
    if (!pid) {
        close(p[1]);
        _exit(read(p[0], &c, 1) ? 1 : 0);
    }
    m = readlink("/proc/self/ns/pid_for_children", b, sizeof(b));
    CHECK(m > 0 && (m != n || memcmp(a, b, (size_t)n)));
    close(p[1]);
    CHECK(waitpid(pid, &status, 0) == pid && !status);
    return 0;
}

int main(void)
{
    need_root();
    is_eq(run(uts), 0);
    is_eq(run(owners), 0);
    is_eq(run(by_pidfd), 0);
    is_eq(run(bound), 0);
    is_eq(run(mounts), 0);
    is_eq(run(net), 0);
    is_eq(run(children), 0);
    is_errno(unshare(0x80000000), EINVAL);
    done();
}
