/* user_namespaces(7): ids without a map, the rules of writing maps, capabilities inside. */
#include "ns.h"
#include <linux/capability.h>
#include <sys/mount.h>

static uint64_t caps(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];

    return syscall(SYS_capget, &h, d) ? 0 : d[0].effective;
}

static int unmapped(void)
{
    CHECK(!unshare(CLONE_NEWUSER));
    CHECK(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
    CHECK(caps() == 0xffffffff);
    CHECK(has("/proc/self/uid_map", ""));
    CHECK(has("/proc/self/setgroups", "allow\n"));
    struct stat st;
    CHECK(!stat("/", &st) && st.st_uid == 65534);
    CHECK_ERR(setuid(0), EINVAL);
    CHECK_ERR(setresuid(-1, 0, -1), EINVAL);
    CHECK_ERR(setgroups(0, NULL), EPERM);
    CHECK_ERR(chown(".", 0, -1), EINVAL);
    return 0;
}

static int own_id(void)
{
    CHECK(!setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000));
    CHECK(!prctl(PR_SET_DUMPABLE, 1));
    CHECK(!unshare(CLONE_NEWUSER));
    CHECK_ERR(put("/proc/self/uid_map", "0 0 1"), EPERM);
    CHECK_ERR(put("/proc/self/uid_map", "0 1000 2"), EPERM);
    CHECK_ERR(put("/proc/self/uid_map", "0"), EINVAL);
    CHECK_ERR(put("/proc/self/uid_map", "0 1000 0"), EINVAL);
    CHECK_ERR(put("/proc/self/uid_map", "x 1000 1"), EINVAL);
    CHECK(!put("/proc/self/uid_map", "0 1000 1"));
    CHECK_ERR(put("/proc/self/uid_map", "0 1000 1"), EPERM);
    CHECK(getuid() == 0 && geteuid() == 0);
    CHECK_ERR(put("/proc/self/gid_map", "0 1000 1"), EPERM);
    CHECK_ERR(put("/proc/self/setgroups", "no"), EINVAL);
    CHECK(!put("/proc/self/setgroups", "deny"));
    CHECK_ERR(put("/proc/self/setgroups", "allow"), EPERM);
    CHECK(!put("/proc/self/gid_map", "0 1000 1\n"));
    CHECK(getgid() == 0);
    CHECK_ERR(setgroups(0, NULL), EPERM);
    CHECK(has("/proc/self/uid_map", "         0       1000          1\n"));
    struct stat st;
    CHECK(!stat("/", &st) && st.st_uid == 65534 && st.st_gid == 65534);
    CHECK(!setuid(0));
    CHECK_ERR(setuid(1), EINVAL);
    CHECK_ERR(mount("x", "/", "tmpfs", 0, NULL), EPERM);
    CHECK_ERR(sethostname("x", 1), EPERM);
    CHECK(!unshare(CLONE_NEWNS | CLONE_NEWUTS));
    CHECK(!sethostname("inside", 6));
    CHECK(!mount("x", "/tmp", "tmpfs", 0, NULL));
    CHECK_ERR(mount("x", "/tmp", "devtmpfs", 0, NULL), EPERM);
    CHECK_ERR(mount("x", "/tmp", "proc", 0, NULL), EPERM);
    CHECK_ERR(mknod("/tmp/null", S_IFCHR | 0666, 0x103), EPERM);
    CHECK(!mkdir("/tmp/d", 0700) && !stat("/tmp/d", &st) && st.st_uid == 0);
    CHECK_ERR(chown("/tmp/d", 5, -1), EINVAL);
    CHECK_ERR(umount2("/proc", MNT_DETACH), EINVAL);
    return 0;
}

static int exec_keeps(void)
{
    CHECK(!setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000));
    CHECK(!unshare(CLONE_NEWUSER));
    CHECK_ERR(chroot("/missing"), ENOENT);
    CHECK(!chroot("/"));
    execl("/bin/sh", "sh", "-c", "test $(id -u) = 65534 && ! chroot / true 2>/dev/null", NULL);
    return 99;
}

static int many(void)
{
    CHECK(!unshare(CLONE_NEWUSER));
    CHECK(getuid() == 65534);
    int p[2];
    CHECK(!pipe(p));
    return 0;
}

/* The parent writes the map of a child: several extents. */
static int by_parent(void)
{
    int a[2], b[2], status;
    char c, path[64];

    CHECK(!pipe(a) && !pipe(b));
    pid_t pid = fork();
    if (!pid) {
        if (unshare(CLONE_NEWUSER) || write(a[1], "x", 1) != 1 || read(b[0], &c, 1) != 1)
            _exit(1);
        if (getuid() != 0)
            _exit(2);
        if (setresuid(7, 7, 7) || getuid() != 7)
            _exit(3);
        _exit(setuid(500) != -1 || errno != EINVAL ? 4 : 0);
    }
    CHECK(read(a[0], &c, 1) == 1);
    snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
    CHECK_ERR(put(path, "0 0 1\n0 5 1"), EINVAL);
    CHECK_ERR(put(path, "0 0 10\n20 5 1"), EINVAL);
    CHECK(!put(path, "0 0 1\n5 100005 10\n"));
    CHECK(has(path, "         0          0          1\n         5     100005         10\n"));
    CHECK(write(b[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int depth(void)
{
    int n = 0;

    while (n < 40 && !unshare(CLONE_NEWUSER) && !put("/proc/self/setgroups", "deny") &&
           !put("/proc/self/uid_map", "0 0 1") && !put("/proc/self/gid_map", "0 0 1"))
        n++;
    CHECK(errno == ENOSPC || errno == EUSERS);
    CHECK(n > 8 && n <= 33);
    return 0;
}

int main(void)
{
    need_root();
    tmp_enter();
    must(chmod(".", 0777));
    is_eq(run(unmapped), 0);
    is_eq(run(own_id), 0);
    is_eq(run(exec_keeps), 0);
    is_eq(run(many), 0);
    is_eq(run(by_parent), 0);
    is_eq(run(depth), 0);
    done();
}
