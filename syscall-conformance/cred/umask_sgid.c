/* umask(2): nine bits, the old value is returned, shared by threads, inherited; the set-group-id
 * bit of a directory passes its group on. */
#include "cred.h"

static void child(void)
{
    check(umask(0) == 0077, 1);
}

static void sgid(void)
{
    struct stat st;

    umask(022);
    check(mkdir("d", 0777) == 0 && chown("d", 0, 2000) == 0 && chmod("d", 02777) == 0, 1);
    int fd = open("d/f", O_CREAT | O_RDWR, 0666);
    check(fd >= 0 && fstat(fd, &st) == 0 && st.st_gid == 2000, 2);
    check(mkdir("d/sub", 0777) == 0 && stat("d/sub", &st) == 0, 3);
    check(st.st_gid == 2000 && (st.st_mode & S_ISGID), 4);
    become_nobody();
    check(mkdir("d/mine", 0777) == 0 && stat("d/mine", &st) == 0, 5);
    check(st.st_uid == NOBODY && st.st_gid == 2000 && (st.st_mode & S_ISGID), 6);
    fd = open("d/mine/g", O_CREAT | O_RDWR, 02777);
    check(fd >= 0 && fstat(fd, &st) == 0, 7);
    check(fchmod(fd, 02777) == 0 && fstat(fd, &st) == 0, 8);
    check(!(st.st_mode & S_ISGID), 9); /* not in that group */
}

int main(void)
{
    struct stat st;

    enter_scratch();
    umask(022);
    is_eq(umask(01777077), 022);
    is_eq(umask(0077), 0077);
    ok(exited_with(in_child(child), 0), "inherited, and private to the child");
    is_eq(umask(0077), 0077);
    int fd = open("f", O_CREAT | O_RDWR, 0777);
    is_eq(fstat(fd, &st), 0);
    is_eq(st.st_mode & 07777, 0700);
    is_eq(mkdir("m", 0777), 0);
    is_eq(stat("m", &st), 0);
    is_eq(st.st_mode & 07777, 0700);
    is_eq(chmod("m", 0777), 0); /* chmod does not care */
    is_eq(stat("m", &st), 0);
    is_eq(st.st_mode & 07777, 0777);
    root_only(sgid, "groups of directories");
    done();
}
