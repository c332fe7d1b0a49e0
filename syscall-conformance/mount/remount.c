/* mount(2) MS_REMOUNT: changes the flags of a mount (with MS_BIND) or of the file system and it. */
#include "mnt.h"

int main(void)
{
    mnt_enter();
    dir("m");
    dir("b");
    is_eq(mount("x", "m", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k"), 0);
    must(mount("m", "b", NULL, MS_BIND, NULL));
    touch("m/f");
    ok(has_option("m", "nosuid") == 1 && has_option("m", "nodev") == 1,
       "flags are those asked for");
    ok(has_option("m", "relatime") == 1, "relatime is the default");
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NOATIME, NULL), 0);
    ok(has_option("m", "nosuid") == 0, "flags that are not named go");
    ok(has_option("m", "noexec") == 1 && has_option("m", "noatime") == 1, "those named come");
    ok(has_option("m", "relatime") == 0, "noatime instead of relatime");
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL), 0);
    ok(has_option("m", "noatime") == 1, "the kind of access times stays unless one is named");
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL), 0);
    ok(has_option("m", "noatime") == 0 && has_option("m", "relatime") == 0, "strictatime");
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NODIRATIME, NULL), 0);
    ok(has_option("m", "nodiratime") == 1, "nodiratime");
    int fd = must(open("m/f", O_WRONLY));
    is_errno(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
    is_errno(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
    is_eq(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    close(fd);
    is_eq(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    is_errno(open("m/f", O_WRONLY), EROFS);
    is_errno(mkdir("m/d", 0700), EROFS);
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT, "size=128k"), 0);
    fd = open("m/f", O_WRONLY);
    ok(fd >= 0, "the file system is writable again");
    is_errno(open("b/f", O_WRONLY), EROFS);
    ok(has_option("b", "ro") == 1, "the other mount is read-only on its own");
    char page[4096] = {1};
    for (int i = 0; i < 20; i++)
        must(write(fd, page, sizeof(page)));
    close(fd);
    is_errno(mount(NULL, "m", NULL, MS_REMOUNT, "size=8k"), EINVAL);
    is_errno(mount(NULL, "m", NULL, MS_REMOUNT, "nonsense=1"), EINVAL);
    is_eq(mount(NULL, "m", NULL, MS_REMOUNT | MS_NOSYMFOLLOW, NULL), 0);
    must(symlink("f", "m/l"));
    is_errno(open("m/l", O_RDONLY), ELOOP);
    char buf[8];
    is_eq(readlink("m/l", buf, sizeof(buf)), 1);
    dir("m/sub");
    is_errno(mount(NULL, "m/sub", NULL, MS_REMOUNT, NULL), EINVAL);
    struct statfs s;
    must(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    must(statfs("m", &s));
    is_eq(s.f_flags & 15, 2 | 4 | 8);
    done();
}
