/* rename(2) in an overlay: directories that exist below are not moved, all else is. */
#include "ovl.h"

static int exchange(const char *a, const char *b)
{
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static void directories(void)
{
    is_errno(rename("m/low", "m/x"), EXDEV);
    is_errno(rename("m/merged", "m/x"), EXDEV);
    is_eq(mkdir("m/pure", 0755), 0);
    put("m/pure/p", "p");
    is_eq(rename("m/pure", "m/moved"), 0);
    lists("m/moved", "p");
    is_errno(exchange("m/moved", "m/low"), EXDEV);
    is_errno(exchange("m/file", "m/low"), EXDEV);
    is_errno(rename("m/moved", "m/low"), ENOTEMPTY);
    must(unlink("m/low/l"));
    is_eq(rename("m/moved", "m/low"), 0);
    lists("m/low", "p");
    ok(attr_is("u/low", "trusted.overlay.opaque", "y"), "a directory over a lower one is opaque");
    is_eq(rename("m/low", "m/merged/in"), 0);
    ok(is_whiteout("u/low"), "where it was is a whiteout");
    lists("m/merged/in", "p");
    is_errno(rename("m/merged/in", "m/merged/in/x"), EINVAL);
    is_eq(mkdir("m/empty", 0755), 0);
    is_errno(rename("m/empty", "m/file"), ENOTDIR);
    is_errno(rename("m/file", "m/empty"), EISDIR);
    is_eq(rename("m/empty", "m/gone"), 0); /* a lower directory, empty by whiteouts */
    lists("m/gone", "");
}

int main(void)
{
    layers();
    put("a/file", "file");
    put("a/other", "other");
    put("a/target", "target");
    dir("a/low");
    put("a/low/l", "l");
    dir("a/merged");
    put("a/merged/1", "1");
    dir("b/merged");
    put("b/merged/2", "2");
    dir("a/gone");
    put("a/gone/g", "g");
    must(overlay("lowerdir=a:b" UPPER));
    must(unlink("m/gone/g"));
    is_eq(rename("m/file", "m/new"), 0);
    ok(is_whiteout("u/file") && content_is("u/new", "file"), "a lower file is copied, and hidden");
    is_eq(rename("m/new", "m/file"), 0);
    ok(!exists("u/new") && content_is("u/file", "file"), "the whiteout goes when it comes back");
    is_eq(rename("m/other", "m/target"), 0);
    ok(content_is("m/target", "other") && is_whiteout("u/other"), "over another lower file");
    is_errno(renameat2(AT_FDCWD, "m/file", AT_FDCWD, "m/target", RENAME_NOREPLACE), EEXIST);
    is_eq(renameat2(AT_FDCWD, "m/file", AT_FDCWD, "m/other", RENAME_NOREPLACE), 0);
    is_eq(rename("m/other", "m/file"), 0);
    is_eq(exchange("m/file", "m/merged/1"), 0);
    ok(content_is("m/file", "1") && content_is("m/merged/1", "file"),
       "two lower files change places");
    is_eq(rename("m/merged/2", "m/merged/3"), 0);
    lists("m/merged", "1 3");
    directories();
    gone();
    must(overlay("lowerdir=a:b" UPPER));
    lists("m", "file gone merged target");
    lists("m/merged", "1 3 in");
    lists("m/merged/in", "p");
    lists("m/gone", "");
    gone();
    done();
}
