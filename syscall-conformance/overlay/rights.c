/* Who may what in an overlay goes by what it shows; whoever mounted it needs rights on layers, too.
 */
#include "ovl.h"

static int as_user(void)
{
    int bad = 0;

    drop_root();
    bad |= errno_of(open("m/secret", O_RDONLY)) != EACCES ? 1 : 0;
    bad |= errno_of(open("m/open", O_WRONLY)) != EACCES ? 2 : 0;
    bad |= errno_of(unlink("m/open")) != EACCES ? 4 : 0;
    bad |= errno_of(mkdir("m/x", 0700)) != EACCES ? 8 : 0;
    bad |= open("m/mine", O_RDWR) < 0 ? 16 : 0;
    bad |= mkdir("m/all/d", 0700) ? 32 : 0;
    bad |= errno_of(setxattr("m/open", "user.x", "1", 1, 0)) != EACCES ? 64 : 0;
    return bad;
}

int main(void)
{
    struct stat st;

    layers();
    put("a/secret", "s");
    must(chmod("a/secret", 0600));
    put("a/open", "o");
    put("a/mine", "m");
    must(chown("a/mine", TMP_NOBODY, TMP_NOBODY));
    dir("a/all");
    must(chmod("a/all", 0777));
    must(overlay("lowerdir=a" UPPER));
    is_eq(in_child(as_user), 0);
    must(stat("u/all/d", &st));
    ok(st.st_uid == TMP_NOBODY, "new things are the caller's");
    must(stat("u/mine", &st));
    ok(st.st_uid == TMP_NOBODY, "copies are their owner's");
    ok(!exists("u/open"), "what was refused is not copied");
    must(stat("u/all", &st));
    ok(st.st_uid == 0 && (st.st_mode & 0777) == 0777, "directories keep theirs");
    gone();
    done();
}
