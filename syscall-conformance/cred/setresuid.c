/* setresuid(2), getresuid(2): each of the three to any of the three without privilege, to anything
 * with; a failure changes nothing. */
#include "cred.h"

static void users(void)
{
    check(setresuid(1000, 1001, 1002) == 0, 1);
    check(uids_are(1000, 1001, 1002), 2);
    check(setresuid(1002, 1000, 1001) == 0, 3);
    check(uids_are(1002, 1000, 1001), 4);
    check(setresuid((uid_t)-1, 1002, (uid_t)-1) == 0, 5);
    check(uids_are(1002, 1002, 1001), 6);
    check(setresuid(1002, 1001, 5) == -1 && errno == EPERM, 7);
    check(uids_are(1002, 1002, 1001), 8);
    check(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1) == 0, 9);
    check(setresuid(1000, (uid_t)-1, (uid_t)-1) == -1 && errno == EPERM, 10);
}

static void groups(void)
{
    check(setresgid(2000, 2001, 2002) == 0, 1);
    check(gids_are(2000, 2001, 2002), 2);
    check(setresuid(1000, 1000, 1000) == 0, 3);
    check(setresgid(2002, 2000, 2001) == 0, 4);
    check(setresgid(0, (gid_t)-1, (gid_t)-1) == -1 && errno == EPERM, 5);
    check(gids_are(2002, 2000, 2001), 6);
}

int main(void)
{
    uid_t u;

    root_only(users, "users");
    root_only(groups, "groups");
    is_errno(syscall(SYS_getresuid, BAD_PTR, &u, &u), EFAULT);
    is_errno(syscall(SYS_getresuid, &u, BAD_PTR, &u), EFAULT);
    is_errno(syscall(SYS_getresgid, &u, &u, BAD_PTR), EFAULT);
    done();
}
