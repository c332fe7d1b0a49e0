/* setfsuid(2): returns the former id and never fails; files are made and opened with it; a change
 * of the effective id takes it along. */
#include "cred.h"

static void users(void)
{
    struct stat st;

    check(setfsuid(1000) == 0, 1);
    check(setfsuid((uid_t)-1) == 1000, 2);
    check(geteuid() == 0, 3);
    check(setfsgid(2000) == 0, 4);
    int fd = open("made", O_CREAT | O_RDWR, 0600);
    check(fd >= 0 && fstat(fd, &st) == 0, 5);
    check(st.st_uid == 1000 && st.st_gid == 2000, 6);
    check(open("secret", O_RDONLY) == -1 && errno == EACCES, 7);
    check(setfsuid(0) == 1000, 8);
    check(open("secret", O_RDONLY) >= 0, 9);
    check(seteuid(1001) == 0, 10);
    check(setfsuid((uid_t)-1) == 1001, 11);
    check(setfsuid(5) == 1001, 12);
    check(setfsuid((uid_t)-1) == 1001, 13); /* not allowed, not changed */
    check(setfsuid(0) == 1001, 14);
    check(setfsuid((uid_t)-1) == 0, 15); /* the real one is */
}

int main(void)
{
    enter_scratch();
    chmod(".", 0777);
    put_file("secret", "x", 1, 0600);
    root_only(users, "users and files");
    is_eq(setfsuid((uid_t)-1) == (int)geteuid(), 1);
    is_eq(setfsgid((gid_t)-1) == (int)getegid(), 1);
    done();
}
