/* setgroups(2), getgroups(2): the supplementary groups, inherited, kept over setuid; they open
 * files of the group; EINVAL for lists too short or too long. */
#include "cred.h"

static void change(void)
{
    gid_t set[3] = {30, 10, 20}, got[4] = {0};

    check(setgroups(3, set) == 0, 1);
    check(getgroups(0, NULL) == 3, 2);
    check(getgroups(4, got) == 3, 3);
    check(got[0] + got[1] + got[2] == 60, 4);
    check(getgroups(2, got) == -1 && errno == EINVAL, 5);
    check(setuid(1000) == 0, 6);
    check(getgroups(4, got) == 3, 7);
    check(setgroups(0, NULL) == -1 && errno == EPERM, 8);
    check(open("of_20", O_RDONLY) >= 0, 9);
    check(open("of_40", O_RDONLY) == -1 && errno == EACCES, 10);
    check(syscall(SYS_setgroups, 65537, set) == -1 && errno == EPERM, 11);
}

static void limits(void)
{
    gid_t one = 5;

    check(syscall(SYS_setgroups, 65537, &one) == -1 && errno == EINVAL, 1);
    check(syscall(SYS_setgroups, -1, &one) == -1 && errno == EINVAL, 2);
    check(syscall(SYS_setgroups, 1, BAD_PTR) == -1 && errno == EFAULT, 3);
    check(setgroups(0, NULL) == 0, 4);
    check(getgroups(0, NULL) == 0, 5);
}

int main(void)
{
    enter_scratch();
    put_file("of_20", "", 0, 0640);
    put_file("of_40", "", 0, 0640);
    if (geteuid() == 0 && (chown("of_20", 0, 20) || chown("of_40", 0, 40)))
        return 1;
    root_only(change, "setting and using them");
    root_only(limits, "limits");
    is_errno(syscall(SYS_getgroups, -1, NULL), EINVAL);
    if (getgroups(0, NULL) > 0)
        is_errno(syscall(SYS_getgroups, 65536, BAD_PTR), EFAULT);
    else
        skip("no groups");
    done();
}
