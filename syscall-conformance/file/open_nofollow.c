/* open(2): O_NOFOLLOW: if the trailing component of pathname is a symbolic link, then the open
 * fails with ELOOP; links in earlier components are still followed. */
#include "tmp.h"

int main(void)
{
    tmp_enter();
    must(mkdir("d", 0755));
    touch("d/f");
    must(symlink("d", "ld"));
    must(symlink("d/f", "lf"));
    is_errno(open("lf", O_RDONLY | O_NOFOLLOW), ELOOP);
    ok(open("lf", O_RDONLY) >= 0, "follows without the flag");
    ok(open("ld/f", O_RDONLY | O_NOFOLLOW) >= 0, "a link on the way is followed");
    ok(open("d/f", O_RDONLY | O_NOFOLLOW) >= 0, "no link at all");
    must(symlink("nowhere", "dangling"));
    is_errno(open("dangling", O_RDONLY | O_NOFOLLOW), ELOOP);
    is_errno(open("dangling", O_RDONLY), ENOENT);
    ok(open("ld/", O_RDONLY | O_NOFOLLOW) >= 0,
       "a slash after the link makes it a component before");
    done();
}
