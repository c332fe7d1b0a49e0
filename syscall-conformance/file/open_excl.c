/* open(2): with O_CREAT | O_EXCL, open() fails with EEXIST if pathname already exists, symbolic
 * links are not followed: a dangling one is EEXIST too. */
#include "tmp.h"

int main(void)
{
    tmp_enter();
    ok(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644) >= 0, "creates a new name");
    is_errno(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
    must(mkdir("d", 0755));
    is_errno(open("d", O_CREAT | O_EXCL | O_RDONLY, 0644), EEXIST);
    must(symlink("nowhere", "l"));
    is_errno(open("l", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
    ok(!exists("nowhere"), "the link's target was not created");
    ok(open("l", O_CREAT | O_WRONLY, 0644) >= 0, "without O_EXCL the dangling link is followed");
    ok(exists("nowhere"), "and its target created");
    is_errno(open("f/x", O_CREAT | O_EXCL | O_WRONLY, 0644), ENOTDIR);
    done();
}
