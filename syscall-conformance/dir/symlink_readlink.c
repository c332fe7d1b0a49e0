/* symlink(2), readlink(2): any text up to PATH_MAX, cut off without a terminating zero; EINVAL for
 * what is no link, ENOENT for empty texts, ELOOP after 40. */
#include "../tmp.h"

int main(void)
{
    char buf[5000], name[64], prev[64];
    struct stat st;

    tmp_enter();
    touch("f");
    is_eq(symlink("target text", "s"), 0);
    memset(buf, 'X', sizeof(buf));
    is_eq(readlink("s", buf, sizeof(buf)), 11);
    ok(!memcmp(buf, "target textX", 12), "no terminating zero");
    memset(buf, 'X', sizeof(buf));
    is_eq(readlink("s", buf, 6), 6);
    ok(!memcmp(buf, "targetX", 7), "cut off");
    is_errno(syscall(SYS_readlink, "s", buf, 0), EINVAL);
    is_errno(syscall(SYS_readlink, "s", buf, -1), EINVAL);
    is_errno(readlink("f", buf, 10), EINVAL);
    is_errno(readlink("none", buf, 10), ENOENT);
    is_errno(readlink("s/", buf, 10), ENOENT);
    is_errno(syscall(SYS_readlink, "s", BAD_PTR, 10), EFAULT);
    is_eq(lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 11, 1);
    is_eq(st.st_mode & 0777, 0777);
    is_errno(symlink("x", "s"), EEXIST);
    is_errno(symlink("x", "f"), EEXIST);
    is_errno(symlink("", "e"), ENOENT);
    is_errno(symlink("x", ""), ENOENT);
    is_errno(symlink("x", "new/"), ENOENT);
    is_errno(symlink("x", "f/y"), ENOTDIR);
    is_errno(symlink(BAD_PTR, "y"), EFAULT);
    memset(buf, 'l', 4095);
    buf[4095] = 0;
    is_eq(symlink(buf, "long"), 0);
    is_eq(readlink("long", buf, sizeof(buf)), 4095);
    memset(buf, 'l', 4096);
    buf[4096] = 0;
    is_errno(symlink(buf, "longer"), ENAMETOOLONG);

    is_eq(symlink("loop", "loop"), 0);
    is_errno(open("loop", O_RDONLY), ELOOP);
    is_errno(stat("loop/x", &st), ELOOP);
    is_errno(chdir("loop"), ELOOP);
    strcpy(prev, "f");
    for (int i = 1; i <= 41; i++) {
        snprintf(name, sizeof(name), "chain%d", i);
        must(symlink(prev, name));
        strcpy(prev, name);
    }
    is_eq(stat("chain40", &st), 0);
    is_errno(stat("chain41", &st), ELOOP);

    int fd = open("s", O_PATH | O_NOFOLLOW);
    is_eq(readlinkat(fd, "", buf, 20), 11);
    int file = open("f", O_RDONLY);
    is_errno(readlinkat(file, "", buf, 20), ENOENT);
    is_eq(symlinkat("t", AT_FDCWD, "at"), 0);
    is_errno(symlinkat("t", 99, "at2"), EBADF);
    is_errno(readlinkat(99, "s", buf, 20), EBADF);
    done();
}
