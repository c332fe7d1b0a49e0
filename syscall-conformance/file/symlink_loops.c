/* path_resolution(7): at most 40 symbolic links are followed in one resolution, then ELOOP. */
#include "tmp.h"

static void chain(int n)
{
    char from[32], to[32];

    for (int i = 1; i <= n; i++) {
        snprintf(from, sizeof(from), "c%d", i);
        snprintf(to, sizeof(to), "c%d", i - 1);
        must(symlink(to, from));
    }
}

int main(void)
{
    tmp_enter();
    must(symlink("self", "self"));
    must(symlink("b", "a"));
    must(symlink("a", "b"));
    is_errno(open("self", O_RDONLY), ELOOP);
    is_errno(open("a", O_RDONLY), ELOOP);
    is_errno(open("a/x", O_RDONLY), ELOOP);
    is_errno(open("self", O_RDWR | O_CREAT, 0644), ELOOP);
    touch("c0");
    chain(41);
    ok(open("c1", O_RDONLY) >= 0, "one link");
    ok(open("c40", O_RDONLY) >= 0, "40 links");
    is_errno(open("c41", O_RDONLY), ELOOP);
    ok(open("c41", O_PATH | O_NOFOLLOW) >= 0, "the last is not followed");
    must(symlink(".", "dot"));
    ok(open("dot/dot/dot/dot/c30", O_RDONLY) >= 0, "34 links of both kinds");
    is_errno(open("dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/dot/c30", O_RDONLY), ELOOP);
    done();
}
