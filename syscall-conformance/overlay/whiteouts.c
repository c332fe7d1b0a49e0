/* What is removed and exists below gets a whiteout in the upper layer. */
#include "ovl.h"

int main(void)
{
    layers();
    put("a/f", "f");
    put("b/f", "b");
    dir("a/d");
    put("a/d/1", "1");
    put("a/d/2", "2");
    dir("b/d");
    put("b/d/3", "3");
    dir("a/e");
    whiteout("a/w");
    put("b/w", "w");
    must(overlay("lowerdir=a:b" UPPER));
    is_eq(unlink("m/f"), 0);
    ok(is_whiteout("u/f"), "a whiteout");
    is_errno(unlink("m/f"), ENOENT);
    is_errno(open("m/f", O_RDONLY), ENOENT);
    lists("m", "d e");
    put("m/f", "new");
    ok(content_is("u/f", "new"), "is replaced by a new file");
    is_eq(unlink("m/f"), 0);
    ok(is_whiteout("u/f"), "and comes again");
    is_eq(symlink("x", "m/f"), 0);
    is_eq(unlink("m/f"), 0);
    put("m/fresh", "x");
    is_eq(unlink("m/fresh"), 0);
    ok(!exists("u/fresh"), "there is none for what was only above");
    is_errno(rmdir("m/d"), ENOTEMPTY);
    is_eq(unlink("m/d/1"), 0);
    is_eq(unlink("m/d/2"), 0);
    is_errno(rmdir("m/d"), ENOTEMPTY);
    is_eq(unlink("m/d/3"), 0);
    lists("m/d", "");
    lists("u/d", "1 2 3");
    put("m/d/4", "4");
    is_errno(rmdir("m/d"), ENOTEMPTY);
    is_eq(unlink("m/d/4"), 0);
    is_eq(rmdir("m/d"), 0);
    ok(is_whiteout("u/d"), "a directory with nothing but whiteouts is empty");
    is_eq(mkdir("m/d", 0755), 0);
    lists("m/d", "");
    ok(attr_is("u/d", "trusted.overlay.opaque", "y"), "a new one hides the old one's names");
    is_errno(access("m/d/1", F_OK), ENOENT);
    put("m/d/1", "again");
    is_eq(unlink("m/d/1"), 0);
    ok(!exists("u/d/1"), "in it no whiteout is needed");
    is_eq(rmdir("m/e"), 0);
    ok(is_whiteout("u/e"), "a lower directory that is empty");
    is_errno(access("m/w", F_OK), ENOENT);
    put("m/w", "1");
    is_eq(unlink("m/w"), 0);
    ok(!exists("u/w"), "what a lower whiteout hides needs none");
    is_errno(mknod("m/white", S_IFCHR, makedev(0, 0)), EPERM);
    is_eq(mknod("m/node", S_IFCHR | 0600, makedev(1, 3)), 0);
    is_errno(renameat2(AT_FDCWD, "m/node", AT_FDCWD, "m/x", RENAME_WHITEOUT), EINVAL);
    gone();
    must(overlay("lowerdir=a:b" UPPER));
    lists("m", "d node");
    gone();
    done();
}
