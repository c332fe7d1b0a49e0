/* An overlay shows what its topmost layer has of each name, and directories of all layers as one.
 */
#include "ovl.h"

static void fill(void)
{
    put("a/all", "a");
    put("b/all", "b");
    put("c/all", "c");
    put("b/middle", "b");
    put("c/low", "c");
    dir("a/d");
    dir("b/d");
    dir("c/d");
    put("a/d/1", "a");
    put("b/d/2", "b");
    put("c/d/2", "c");
    put("c/d/3", "c");
    put("a/file-over-dir", "x");
    dir("b/file-over-dir");
    put("c/file-over-dir", "c");
    dir("a/dir-over-file");
    put("b/dir-over-file", "b");
    dir("c/dir-over-file");
    put("c/dir-over-file/hidden", "c");
    whiteout("b/white");
    put("c/white", "c");
    dir("b/opaque");
    must(setxattr("b/opaque", "trusted.overlay.opaque", "y", 1, 0));
    put("b/opaque/b", "b");
    dir("c/opaque");
    put("c/opaque/c", "c");
    dir("a/opaque");
    put("a/opaque/a", "a");
    dir("b/not-opaque");
    must(setxattr("b/not-opaque", "trusted.overlay.opaque", "n", 1, 0));
    dir("c/not-opaque");
    put("c/not-opaque/c", "c");
    dir("a/hides");
    whiteout("a/hides/one");
    dir("b/hides");
    put("b/hides/one", "1");
    put("b/hides/two", "2");
    put("u/up", "u");
    put("u/middle", "u");
    dir("u/d");
    whiteout("u/d/3");
    put("u/d/4", "u");
}

static void xwhiteouts(void)
{
    must(umount2("m", 0));
    dir("a/x");
    must(setxattr("a/x", "trusted.overlay.opaque", "x", 1, 0));
    put("a/x/gone", "");
    must(setxattr("a/x/gone", "trusted.overlay.whiteout", "y", 1, 0));
    put("a/x/full", "text");
    must(setxattr("a/x/full", "trusted.overlay.whiteout", "y", 1, 0));
    put("a/x/plain", "");
    dir("b/x");
    put("b/x/gone", "b");
    put("b/x/full", "b");
    put("b/x/below", "b");
    dir("a/notx");
    put("a/notx/shown", "");
    must(setxattr("a/notx/shown", "trusted.overlay.whiteout", "y", 1, 0));
    dir("b/notx");
    put("b/notx/shown", "b");
    must(overlay("lowerdir=a:b:c" UPPER));
    lists("m/notx", "shown");
    lists("m/x", "below full plain");
    is_errno(access("m/x/gone", F_OK), ENOENT);
    ok(content_is("m/x/full", "text"), "a file with contents is no whiteout");
    put("m/x/gone", "new");
    lists("m/x", "below full gone plain");
}

int main(void)
{
    layers();
    fill();
    is_eq(overlay("lowerdir=a:b:c" UPPER), 0);
    lists("m", "all d dir-over-file file-over-dir hides low middle not-opaque opaque up");
    lists("m/d", "1 2 4");
    lists("m/dir-over-file", "");
    lists("m/opaque", "a b");
    lists("m/not-opaque", "c");
    lists("m/hides", "two");
    ok(content_is("m/all", "a") && content_is("m/middle", "u") && content_is("m/low", "c") &&
           content_is("m/up", "u"),
       "the topmost file is shown");
    ok(content_is("m/d/2", "b") && content_is("m/d/1", "a") && content_is("m/d/4", "u"),
       "in directories, too");
    ok(content_is("m/file-over-dir", "x"), "a file hides a directory");
    is_errno(access("m/white", F_OK), ENOENT);
    is_errno(access("m/d/3", F_OK), ENOENT);
    is_errno(access("m/opaque/c", F_OK), ENOENT);
    is_errno(access("m/file-over-dir/x", F_OK), ENOTDIR);
    is_errno(rmdir("m/d"), ENOTEMPTY);
    is_eq(rmdir("m/dir-over-file"), 0);
    ok(is_whiteout("u/dir-over-file"), "what it hid stays hidden");
    is_eq(access("m/dir-over-file", F_OK), -1);
    xwhiteouts();
    gone();
    must(overlay("lowerdir=c:b:a"));
    lists("m/d", "1 2 3");
    ok(content_is("m/all", "c") && content_is("m/d/2", "c"),
       "the order of layers is that of the option");
    ok(content_is("m/white", "c"), "a whiteout hides what is beneath it only");
    gone();
    done();
}
