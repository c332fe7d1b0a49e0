/* mount(2) MS_BIND: shows a part of a tree in another place; with MS_REC what is mounted in it,
 * too. */
#include "mnt.h"

int main(void)
{
    mnt_enter();
    dir("a");
    dir("a/sub");
    dir("b");
    dir("c");
    touch("a/file");
    touch("f1");
    touch("f2");
    tmpfs_on("a/sub");
    touch("a/sub/inner");
    is_eq(mount("a", "b", NULL, MS_BIND, NULL), 0);
    ok(exists("b/file"), "the tree is there");
    ok(!exists("b/sub/inner"), "what is mounted in it is not");
    is_eq(mount("a", "c", NULL, MS_BIND | MS_REC, NULL), 0);
    ok(exists("c/sub/inner"), "with MS_REC it is");
    ok(is_mounted("c/sub"), "as a mount of its own");
    is_errno(umount2("c", 0), EBUSY);
    is_eq(umount2("c", MNT_DETACH_), 0);
    ok(!is_mounted("c/sub") && exists("a/sub/inner"), "a lazy umount takes the copy alone");
    is_eq(mount("a/file", "f1", NULL, MS_BIND, NULL), 0);
    struct stat x, y;
    must(stat("a/file", &x));
    must(stat("f1", &y));
    ok(x.st_ino == y.st_ino && x.st_dev == y.st_dev, "files can be bound, too");
    is_errno(unlink("f1"), EBUSY);
    is_errno(rename("f1", "f3"), EBUSY);
    is_errno(rename("f2", "f1"), EBUSY);
    is_errno(rmdir("b"), EBUSY);
    is_errno(rename("b/file", "a/moved"), EXDEV);
    is_errno(link("b/file", "a/linked"), EXDEV);
    is_eq(umount2("f1", 0), 0);
    is_eq(mount("b", "b", NULL, MS_BIND, NULL), 0);
    is_eq(mount(NULL, "b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
    is_errno(open("b/file", O_WRONLY), EROFS);
    int fd = must(open("a/file", O_WRONLY));
    ok(fd >= 0, "the other place is still writable");
    close(fd);
    is_eq(mount("b", "c", NULL, MS_BIND | MS_NOEXEC, NULL), 0);
    ok(has_option("c", "ro") == 1, "a bind has the flags of what it copies");
    ok(has_option("c", "noexec") == 0, "and not those of the call");
    is_eq(umount2("b", 0), 0);
    is_eq(umount2("b", 0), 0);
    is_eq(umount2("c", 0), 0);
    dir("deep");
    must(mount("deep", "deep", NULL, MS_BIND, NULL));
    dir("deep/in");
    is_eq(mount("deep", "deep/in", NULL, MS_BIND | MS_REC, NULL), 0);
    ok(!is_mounted("deep/in/in"), "a copy into itself ends");
    is_eq(mount("deep", "deep/in", NULL, MS_BIND | MS_REC, NULL), 0);
    is_eq(umount2("deep", MNT_DETACH_), 0);
    done();
}
