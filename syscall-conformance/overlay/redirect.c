/* redirect_dir=on: a moved directory says in an attribute where its lower part is. */
#include "ovl.h"

static void remounted(const char *options)
{
    gone();
    must(overlay(options));
}

static void moves(void)
{
    is_eq(rename("m/r", "m/r2"), 0);
    ok(attr_is("u/r2", "trusted.overlay.redirect", "r"), "in its directory: the name");
    lists("m/r2", "in q");
    ok(is_whiteout("u/r"), "the old name is hidden");
    is_eq(rename("m/r2/in", "m/top"), 0);
    ok(attr_is("u/top", "trusted.overlay.redirect", "/r/in"), "elsewhere: the path");
    lists("m/top", "deep f");
    is_eq(mkdir("m/new", 0755), 0);
    is_eq(rename("m/top", "m/new/k"), 0);
    is_eq(rename("m/new/k", "m/new/k2"), 0);
    ok(attr_is("u/new/k2", "trusted.overlay.redirect", "/r/in"), "which stays when moved again");
    is_eq(rename("m/new/k2/deep", "m/d2"), 0);
    ok(attr_is("u/d2", "trusted.overlay.redirect", "/r/in/deep"), "and is part of others'");
    lists("m/d2", "x y");
    lists("m/new/k2", "f");
}

int main(void)
{
    layers();
    dir("a/r");
    dir("a/r/in");
    put("a/r/q", "q");
    put("a/r/in/f", "a");
    dir("a/r/in/deep");
    put("a/r/in/deep/x", "x");
    dir("b/r");
    dir("b/r/in");
    put("b/r/in/f", "b");
    dir("b/r/in/deep");
    put("b/r/in/deep/y", "y");
    must(overlay("lowerdir=a:b,redirect_dir=on" UPPER));
    moves();
    ok(content_is("m/new/k2/f", "a") && content_is("m/d2/y", "y"), "contents come along");
    put("m/d2/x", "new");
    remounted("lowerdir=a:b,redirect_dir=on" UPPER);
    lists("m", "d2 new r2");
    lists("m/d2", "x y");
    lists("m/new/k2", "f");
    ok(content_is("m/d2/x", "new"), "found again");
    remounted("lowerdir=a:b" UPPER);
    lists("m/d2", "x y");
    is_errno(rename("m/d2", "m/d3"), EXDEV);
    remounted("lowerdir=a:b,redirect_dir=nofollow" UPPER);
    is_errno(access("m/r2", F_OK), EPERM);
    lists("m/new", "k2");
    gone();
    must(setxattr("u/d2", "trusted.overlay.redirect", "no/such", 7, 0));
    must(overlay("lowerdir=a:b" UPPER));
    is_errno(access("m/d2", F_OK), EINVAL);
    gone();
    must(setxattr("u/d2", "trusted.overlay.redirect", "/none/at/all", 12, 0));
    must(overlay("lowerdir=a:b" UPPER));
    lists("m/d2", "x");
    gone();
    /* The middle one of three layers redirects. */
    dir("c/z");
    must(setxattr("c/z", "trusted.overlay.redirect", "/r/in", 5, 0));
    must(overlay("lowerdir=c:a:b"));
    lists("m/z", "deep f");
    lists("m/z/deep", "x y");
    gone();
    done();
}
