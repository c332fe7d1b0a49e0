/* Numbers of inodes and devices do not change when a file is copied up, and are those that are
 * listed. */
#include "ovl.h"

static void same_fs(void)
{
    must(overlay("lowerdir=a:b" UPPER));
    ino_t f = ino_of("m/f"), d = ino_of("m/d"), e = ino_of("m/d/e");
    is_eq(f, ino_of("a/f"));
    is_eq(d, ino_of("a/d"));
    ok(dev_of("m/f") == dev_of("m") && dev_of("m") != dev_of("a"), "one device, the overlay's");
    put("m/f", "changed");
    must(chmod("m/d", 0700));
    must(truncate("m/d/e", 1));
    ok(ino_of("m/f") == f && ino_of("m/d") == d && ino_of("m/d/e") == e, "the same when copied up");
    ok(listed_ino("m", "f") == f && listed_ino("m", "d") == d && listed_ino("m/d", "e") == e,
       "and listed");
    must(rename("m/f", "m/f2"));
    is_eq(ino_of("m/f2"), f);
    must(mkdir("m/pure", 0755));
    must(rename("m/f2", "m/pure/f3"));
    ok(listed_ino("m/pure", "f3") == f, "in a new directory, too");
    is_eq(ino_of("m/pure"), ino_of("u/pure"));
    ok(attr_is("u/pure", "trusted.overlay.impure", "y"), "which is marked");
    gone();
    must(overlay("lowerdir=a:b" UPPER));
    ok(ino_of("m/pure/f3") == f && ino_of("m/d") == d && listed_ino("m/pure", "f3") == f,
       "the same when mounted again");
    struct stat st;
    must(stat("m/d", &st));
    is_eq(st.st_nlink, 1);
    must(stat("m/one", &st));
    is_eq(st.st_nlink, 2);
    ino_t one = st.st_ino;
    put("m/one", "x");
    ok(ino_of("m/one") != one && ino_of("m/two") == one, "a broken link has a number of its own");
    is_eq(listed_ino("m", "one"), ino_of("m/one"));
    gone();
}

static void two_fs(void)
{
    dir("t");
    tmpfs_on("t");
    put("t/tf", "t");
    dir("t/td");
    must(overlay("lowerdir=t:b" UPPER));
    dev_t tf = dev_of("m/tf"), g = dev_of("m/g");
    ino_t n = ino_of("m/tf");
    is_eq(n, ino_of("t/tf"));
    ok(tf != g && tf != dev_of("m") && g != dev_of("m") && tf != dev_of("t"),
       "files of two file systems are on devices of their own");
    ok(dev_of("m/td") == dev_of("m"), "directories on the overlay's");
    put("m/tf", "up");
    ok(dev_of("m/tf") == tf && ino_of("m/tf") == n, "also when copied up");
    put("m/new", "n");
    ok(dev_of("m/new") == g, "what shares a file system shares a device");
    gone();
    must(overlay("lowerdir=t:b,xino=on" UPPER));
    ok(dev_of("m/tf") == dev_of("m") && dev_of("m/g") == dev_of("m"), "xino: one device");
    ok(ino_of("m/tf") == (n | 1UL << 63) && ino_of("m/g") == ino_of("b/g"), "numbers tell apart");
    is_eq(listed_ino("m", "tf"), ino_of("m/tf"));
    gone();
    must(umount2("t", 0));
}

int main(void)
{
    layers();
    put("a/f", "f");
    dir("a/d");
    put("a/d/e", "e");
    dir("b/d");
    put("b/d/e2", "e");
    put("b/g", "g");
    put("a/one", "1");
    must(link("a/one", "a/two"));
    same_fs();
    two_fs();
    done();
}
