/* With userxattr an overlay's attributes are user.overlay.*; trusted ones mean nothing. */
#include "ovl.h"

int main(void)
{
    layers();
    dir("a/t");
    put("a/t/f", "a");
    dir("b/t");
    put("b/t/g", "b");
    must(setxattr("a/t", "trusted.overlay.opaque", "y", 1, 0));
    dir("a/v");
    dir("b/v");
    put("b/v/g", "b");
    must(setxattr("a/v", "user.overlay.opaque", "y", 1, 0));
    must(symlink("x", "a/l"));
    is_eq(overlay("lowerdir=a:b,userxattr" UPPER), 0);
    lists("m/t", "f g");
    lists("m/v", "");
    must(unlink("m/t/f"));
    must(unlink("m/t/g"));
    is_eq(rmdir("m/t"), 0);
    is_eq(mkdir("m/t", 0700), 0);
    ok(attr_is("u/t", "user.overlay.opaque", "y"), "opaque");
    is_eq(lchown("m/l", 1, 1), 0);
    is_errno(rename("m/v", "m/w"), EXDEV);
    is_errno(getxattr("m/t", "user.overlay.opaque", NULL, 0), ENODATA);
    is_eq(setxattr("m/t", "user.overlay.mine", "1", 1, 0), 0);
    ok(attr_is("u/t", "user.overlay.overlay.mine", "1"), "escaped");
    gone();
    done();
}
