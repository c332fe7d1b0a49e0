/* An overlay may be a lower layer of another, not of a third, and never an upper one. */
#include "ovl.h"

static int on(const char *at, const char *options)
{
    return mount("o", at, "overlay", 0, options);
}

int main(void)
{
    struct statfs s;

    layers();
    put("a/f", "a");
    put("b/g", "b");
    put("c/h", "c");
    dir("a/d");
    put("a/d/1", "1");
    dir("b/d");
    put("b/d/2", "2");
    dir("c/d");
    put("c/d/3", "3");
    dir("m1");
    dir("m2");
    must(on("m1", "lowerdir=a:b" UPPER));
    is_eq(on("m2", "lowerdir=m1:c"), 0);
    lists("m2", "d f g h");
    lists("m2/d", "1 2 3");
    ok(content_is("m2/g", "b"), "read through both");
    put("m1/new", "new");
    must(unlink("m1/f"));
    is_errno(on("m", "lowerdir=m2:a"), EINVAL);
    is_errno(on("m", "lowerdir=c,upperdir=m1/d,workdir=w"), EINVAL);
    must(umount2("m2", 0));
    dir("u2");
    dir("w2");
    is_eq(on("m2", "lowerdir=m1/d:c,upperdir=u2,workdir=w2"), 0);
    lists("m2", "1 2 d h");
    put("m2/1", "up");
    ok(content_is("u2/1", "up") && content_is("m1/d/1", "1"), "copied up from the lower overlay");
    must(unlink("m2/2"));
    ok(is_whiteout("u2/2"), "and hidden");
    must(statfs("m2", &s));
    is_eq(s.f_type, 0x794c7630);
    is_eq(s.f_namelen, 255);
    must(umount2("m2", 0));
    /* Attributes in an overlay are escaped: what is in it can be layers. */
    must(mkdir("m1/l1", 0755));
    must(mkdir("m1/l1/x", 0755));
    must(setxattr("m1/l1/x", "trusted.overlay.opaque", "y", 1, 0));
    must(mkdir("m1/l2", 0755));
    must(mkdir("m1/l2/x", 0755));
    put("m1/l2/x/hidden", "h");
    is_eq(on("m2", "lowerdir=m1/l1:m1/l2"), 0);
    lists("m2/x", "");
    must(umount2("m2", 0));
    must(umount2("m1", 0));
    done();
}
