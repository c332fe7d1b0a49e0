/* umount2(2): busy mounts, MNT_DETACH, MNT_EXPIRE. */
#include "mnt.h"

int main(void)
{
    struct stat st;

    mnt_enter();
    dir("m");
    tmpfs_on("m");
    dir("m/d");
    int fd = must(open("m/d", O_RDONLY | O_DIRECTORY));
    is_errno(umount2("m", 0), EBUSY);
    is_errno(umount2("m", MNT_EXPIRE_), EBUSY);
    is_errno(umount2("m", MNT_EXPIRE_ | MNT_DETACH_), EINVAL);
    is_errno(umount2("m", MNT_EXPIRE_ | MNT_FORCE_), EINVAL);
    is_errno(umount2("m/d", 0), EINVAL);
    is_eq(umount2("m", MNT_DETACH_), 0);
    ok(!is_mounted("m") && !exists("m/d"), "it is gone from the tree");
    is_eq(mkdirat(fd, "still", 0755), 0);
    ok(!fstatat(fd, "../d/still", &st, 0), "and usable for who has it open");
    must(fchdir(fd));
    char cwd[PATH_MAX];
    is_eq(syscall(SYS_getcwd, cwd, sizeof(cwd)), (long)sizeof("(unreachable)/d"));
    ok(!strcmp(cwd, "(unreachable)/d"), "its names begin nowhere");
    must(chdir(".."));
    must(chdir(".."));
    ok(!access("d", F_OK), "\"..\" ends at its root");
    is_eq(mount("d", "d", NULL, MS_BIND, NULL), -1);
    is_eq(mount("x", "d", "tmpfs", 0, NULL), -1);
    must(chdir(tmp_path));
    close(fd);
    tmpfs_on("m");
    is_errno(umount2("m", MNT_EXPIRE_), EAGAIN);
    is_eq(umount2("m", MNT_EXPIRE_), 0);
    ok(!is_mounted("m"), "the second MNT_EXPIRE unmounts");
    tmpfs_on("m");
    is_errno(umount2("m", MNT_EXPIRE_), EAGAIN);
    must(stat("m/.", &st));
    is_errno(umount2("m", MNT_EXPIRE_), EAGAIN);
    is_eq(umount2("m", 0), 0);
    tmpfs_on("m");
    tmpfs_on("m");
    touch("m/upper");
    is_eq(umount2("m", 0), 0);
    ok(!exists("m/upper") && is_mounted("m"), "the newest goes first");
    is_eq(umount2("m", 0), 0);
    dir("gone");
    fd = must(open("gone", O_RDONLY | O_DIRECTORY));
    must(rmdir("gone"));
    must(fchdir(fd));
    is_errno(mount("x", ".", "tmpfs", 0, NULL), ENOENT);
    done();
}
