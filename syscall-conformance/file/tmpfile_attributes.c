/* open(2), O_TMPFILE: mode, owner, times and attributes that a file gets before its first name, or
 * after its last one is gone, are those of the file. */
#include "../tmp.h"
#include <sys/mman.h>
#include <sys/xattr.h>

static struct stat st;

static void change(int fd)
{
    struct timespec ts[2] = {{1000, 5}, {2000, 6}};

    is_eq(fchmod(fd, 0640), 0);
    is_eq(futimens(fd, ts), 0);
    if (geteuid() == 0)
        is_eq(fchown(fd, 1000, 1001), 0);
    else
        skip("needs root");
    is_eq(fsetxattr(fd, "user.a", "value", 5, XATTR_CREATE), 0);
    is_errno(fsetxattr(fd, "user.a", "value", 5, XATTR_CREATE), EEXIST);
    is_errno(fsetxattr(fd, "user.b", "value", 5, XATTR_REPLACE), ENODATA);
}

static void check(void)
{
    is_eq(st.st_mode, S_IFREG | 0640);
    ok(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5, "access time");
    ok(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 6, "modification time");
    ok(geteuid() || (st.st_uid == 1000 && st.st_gid == 1001), "owner");
}

int main(void)
{
    char proc[40], buf[16] = "";

    tmp_enter();
    int fd = (int)must(open(".", O_TMPFILE | O_RDWR, 0600));
    is_eq(write(fd, "text", 4), 4);
    change(fd);
    must(fstat(fd, &st));
    check();
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    is_eq(linkat(AT_FDCWD, proc, AT_FDCWD, "given", AT_SYMLINK_FOLLOW), 0);
    must(stat("given", &st));
    check();
    is_eq(st.st_nlink, 1);
    is_eq(getxattr("given", "user.a", buf, sizeof(buf)), 5);
    ok(!memcmp(buf, "value", 5), "attribute");
    ok(content_is("given", "text"), "content");
    is_eq(fchmod(fd, 0600), 0);
    must(stat("given", &st));
    is_eq(st.st_mode, S_IFREG | 0600);
    is_eq(link("given", "second"), 0);
    is_eq(unlink("given"), 0);
    must(fstat(fd, &st));
    is_eq(st.st_nlink, 1);
    is_eq(unlink("second"), 0);
    is_eq(fremovexattr(fd, "user.a"), 0);
    change(fd);
    must(fstat(fd, &st));
    check();
    is_eq(st.st_nlink, 0);
    int again = open(proc, O_RDONLY);
    is_eq(read(again, buf, sizeof(buf)), 4);
    is_errno(write(again, "x", 1), EBADF);
    is_eq(flistxattr(again, buf, sizeof(buf)), 7);
    ok(!strcmp(buf, "user.a"), "its name");
    is_eq(ftruncate(fd, 2), 0);
    is_eq(read(fd, buf, sizeof(buf)), 0);
    is_eq(pread(again, buf, sizeof(buf), 0), 2);
    done();
}
