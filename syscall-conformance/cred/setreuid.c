/* setreuid(2): -1 leaves an id; the saved one follows the effective when the real is set or the
 * effective becomes something else than the real. */
#include "cred.h"

static void follow(void)
{
    check(setreuid((uid_t)-1, 1000) == 0, 1);
    check(uids_are(0, 1000, 1000), 2);
    check(setreuid(1000, 0) == 0, 3); /* swapped: both are one's own */
    check(uids_are(1000, 0, 0), 4);
    check(setreuid(1001, 1002) == 0, 5); /* effective root: any */
    check(uids_are(1001, 1002, 1002), 6);
    check(setreuid((uid_t)-1, 1001) == 0, 7);
    check(uids_are(1001, 1001, 1002), 8);
    check(setreuid((uid_t)-1, 1002) == 0, 9); /* the saved one */
    check(setreuid(1002, (uid_t)-1) == 0, 10);
    check(uids_are(1002, 1002, 1002), 11);
    check(setreuid(0, (uid_t)-1) == -1 && errno == EPERM, 12);
    check(setreuid((uid_t)-1, 0) == -1 && errno == EPERM, 13);
    check(setreuid((uid_t)-1, (uid_t)-1) == 0, 14);
}

static void groups(void)
{
    check(setregid(2000, 2001) == 0, 1);
    check(gids_are(2000, 2001, 2001), 2);
    check(setregid((gid_t)-1, 2000) == 0, 3);
    check(gids_are(2000, 2000, 2000) || gids_are(2000, 2000, 2001), 4);
    become_nobody();
    check(setregid(0, (gid_t)-1) == -1 && errno == EPERM, 5);
}

int main(void)
{
    root_only(follow, "users");
    root_only(groups, "groups");
    is_eq(setreuid((uid_t)-1, (uid_t)-1), 0);
    is_eq(setregid((gid_t)-1, (gid_t)-1), 0);
    done();
}
