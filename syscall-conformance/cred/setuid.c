/* setuid(2): with CAP_SETUID all of real, effective and saved are set; without it only the
 * effective one, to the real or saved: EPERM otherwise. */
#include "cred.h"

static void privileged(void)
{
    check(setuid(1000) == 0, 1);
    check(uids_are(1000, 1000, 1000), 2);
    check(setuid(0) == -1 && errno == EPERM, 3);
    check(setuid(1000) == 0, 4);
    check(setuid(1001) == -1 && errno == EPERM, 5);
    check(setuid((uid_t)-1) == -1 && errno == EINVAL, 6);
}

static void saved(void)
{
    check(setresuid(1000, 1000, 1001) == 0, 1);
    check(setuid(1001) == 0, 2);
    check(uids_are(1000, 1001, 1001), 3);
    check(setuid(1000) == 0, 4);
    check(uids_are(1000, 1000, 1001), 5);
}

static void groups(void)
{
    check(setgid(2000) == 0, 1);
    check(gids_are(2000, 2000, 2000), 2);
    check(setuid(1000) == 0, 3);
    check(setgid(0) == -1 && errno == EPERM, 4);
    check(setgid(2000) == 0, 5);
    check(setgid((gid_t)-1) == -1 && errno == EINVAL, 6);
}

static void effective(void)
{
    check(seteuid(1000) == 0, 1);
    check(uids_are(0, 1000, 0), 2);
    check(setuid(1002) == -1 && errno == EPERM, 3);
    check(seteuid(0) == 0, 4);
    check(uids_are(0, 0, 0), 5);
    check(setegid(2000) == 0 && gids_are(0, 2000, 0), 6);
}

int main(void)
{
    root_only(privileged, "all three with privilege");
    root_only(saved, "between real and saved without");
    root_only(groups, "the same for groups");
    root_only(effective, "root may put on another and come back");
    is_eq(getuid() == (uid_t)syscall(SYS_getuid) && geteuid() == (uid_t)syscall(SYS_geteuid), 1);
    is_eq(getgid() == (gid_t)syscall(SYS_getgid) && getegid() == (gid_t)syscall(SYS_getegid), 1);
    is_eq(setuid(geteuid()), 0);
    done();
}
