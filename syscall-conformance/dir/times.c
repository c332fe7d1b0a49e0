/* utimensat(2): UTIME_NOW, UTIME_OMIT, nanoseconds, permissions (EACCES, EPERM); which calls change
 * which times. */
#include "../tmp.h"

static struct stat st;

static int user(void)
{
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, set[2] = {{1, 0}, {1, 0}};
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

    drop_root();
    if (utimensat(AT_FDCWD, "writable", now, 0))
        return 1;
    if (errno_of(utimensat(AT_FDCWD, "writable", set, 0)) != EPERM)
        return 2;
    if (errno_of(utimensat(AT_FDCWD, "f", NULL, 0)) != EACCES)
        return 3;
    if (errno_of(utimensat(AT_FDCWD, "f", set, 0)) != EPERM)
        return 4;
    return utimensat(AT_FDCWD, "f", omit, 0) ? 5 : 0;
}

int main(void)
{
    struct timespec ts[2] = {{1000, 111}, {2000, 222}};

    tmp_enter();
    touch("f");
    must(symlink("f", "s"));
    is_eq(utimensat(AT_FDCWD, "f", ts, 0), 0);
    must(stat("f", &st));
    ok(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 111, "access time");
    ok(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 222, "modification time");
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_nsec = UTIME_NOW;
    is_eq(utimensat(AT_FDCWD, "f", ts, 0), 0);
    must(stat("f", &st));
    ok(st.st_atim.tv_sec == 1000, "left alone");
    ok(llabs(st.st_mtim.tv_sec - time(NULL)) < 10, "now");
    ts[0] = (struct timespec){3000, 0};
    ts[1] = (struct timespec){4000, 0};
    is_eq(utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW), 0);
    must(lstat("s", &st));
    ok(st.st_mtim.tv_sec == 4000, "of the link itself");
    must(stat("f", &st));
    ok(st.st_mtim.tv_sec != 4000, "not of the file");
    int fd = open("f", O_RDWR);
    is_eq(futimens(fd, ts), 0);
    must(fstat(fd, &st));
    is_eq(st.st_mtim.tv_sec, 4000);
    is_eq(write(fd, "x", 1), 1);
    must(fstat(fd, &st));
    ok(st.st_mtim.tv_sec > 4000, "a write is a modification");
    must(futimens(fd, ts));
    is_eq(fchmod(fd, 0600), 0);
    must(fstat(fd, &st));
    ok(st.st_mtim.tv_sec == 4000 && st.st_ctim.tv_sec > 4000, "chmod changes ctime only");
    must(mkdir("d", 0700));
    must(utimensat(AT_FDCWD, "d", ts, 0));
    touch("d/x");
    must(stat("d", &st));
    ok(st.st_mtim.tv_sec > 4000, "a new name modifies the directory");
    ts[0].tv_nsec = 1000000000;
    is_errno(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
    is_errno(syscall(SYS_utimensat, AT_FDCWD, "f", BAD_PTR, 0), EFAULT);
    is_errno(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
    is_errno(utimensat(AT_FDCWD, "f", NULL, 0x8000), EINVAL);
    is_errno(syscall(SYS_utimensat, 99, NULL, NULL, 0), EBADF);
    must(chmod("f", 0644));
    touch("writable");
    must(chmod("writable", 0666));
    if (geteuid() == 0)
        is_eq(in_child(user), 0);
    else
        skip("needs two users");
    done();
}
