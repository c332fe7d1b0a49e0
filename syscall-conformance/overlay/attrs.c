/* The overlay's own attributes in the layers are hidden; others of such names are escaped there. */
#include "ovl.h"

static int listed(const char *name, const char *attr)
{
    char buf[1024];
    ssize_t n = listxattr(name, buf, sizeof(buf));

    for (char *at = buf; at < buf + n; at += strlen(at) + 1)
        if (!strcmp(at, attr))
            return 1;
    return 0;
}

int main(void)
{
    layers();
    put("a/f", "f");
    dir("a/d");
    dir("b/d");
    put("b/d/x", "x");
    must(setxattr("a/f", "user.a", "1", 1, 0));
    must(setxattr("a/d", "trusted.overlay.opaque", "y", 1, 0));
    must(overlay("lowerdir=a:b" UPPER));
    ok(attr_is("m/f", "user.a", "1"), "of a lower file");
    is_eq(setxattr("m/f", "user.b", "2", 1, XATTR_CREATE), 0);
    is_errno(setxattr("m/f", "user.b", "2", 1, XATTR_CREATE), EEXIST);
    is_errno(setxattr("m/f", "user.c", "2", 1, XATTR_REPLACE), ENODATA);
    ok(attr_is("u/f", "user.a", "1") && attr_is("a/f", "user.b", NULL), "set in the upper layer");
    ok(listed("u/f", "trusted.overlay.origin") && !listed("m/f", "trusted.overlay.origin"),
       "what it was copied from is hidden");
    is_errno(getxattr("m/f", "trusted.overlay.origin", NULL, 0), ENODATA);
    is_errno(getxattr("m/d", "trusted.overlay.opaque", NULL, 0), ENODATA);
    ok(!listed("m/d", "trusted.overlay.opaque"), "as is what makes a directory opaque");
    is_eq(setxattr("m/f", "trusted.overlay.mine", "m", 1, 0), 0);
    ok(attr_is("m/f", "trusted.overlay.mine", "m") && listed("m/f", "trusted.overlay.mine"),
       "one of such a name");
    ok(attr_is("u/f", "trusted.overlay.overlay.mine", "m"), "is escaped in the layer");
    is_eq(removexattr("m/f", "trusted.overlay.mine"), 0);
    is_errno(removexattr("m/f", "trusted.overlay.mine"), ENODATA);
    is_eq(setxattr("m/f", "user.overlay.x", "u", 1, 0), 0);
    ok(attr_is("u/f", "user.overlay.x", "u"), "user.overlay is anybody's");
    must(mkdir("m/layer", 0755));
    is_eq(setxattr("m/layer", "trusted.overlay.opaque", "y", 1, 0), 0);
    is_errno(removexattr("m/d", "user.none"), ENODATA);
    ok(!exists("u/d"), "removing nothing copies nothing");
    gone();
    done();
}
