/* chown(2), chmod(2): who may, what happens to set-id bits, -1 leaves an id alone. */
#include "cred.h"

static mode_t mode_of(const char *name)
{
    struct stat st;

    return stat(name, &st) ? 0 : st.st_mode & 07777;
}

static void owner(void)
{
    gid_t groups[1] = {3000};
    struct stat st;

    check(chown("f", 1000, 1000) == 0 && setgroups(1, groups) == 0, 1);
    check(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0, 2);
    check(chown("f", (uid_t)-1, 3000) == 0, 3); /* a group of one's own */
    check(chown("f", (uid_t)-1, 4000) == -1 && errno == EPERM, 4);
    check(chown("f", 0, (gid_t)-1) == -1 && errno == EPERM, 5);
    check(chown("f", 1000, (gid_t)-1) == 0, 6);
    check(stat("f", &st) == 0 && st.st_uid == 1000 && st.st_gid == 3000, 7);
    check(chmod("f", 06755) == 0 && mode_of("f") == 06755, 8);
    check(chown("f", (uid_t)-1, 1000) == 0 && mode_of("f") == 0755, 9); /* bits are gone */
    check(chmod("g", 0600) == -1 && errno == EPERM, 10);
    check(chown("g", 1000, 1000) == -1 && errno == EPERM, 11);
    check(chown("f", (uid_t)-1, (gid_t)-1) == 0, 12);
}

static void writing_clears(void)
{
    check(chown("f", 1000, 1000) == 0 && chmod("f", 06777) == 0, 1);
    check(setresgid(1001, 1001, 1001) == 0 && setgroups(0, NULL) == 0, 2);
    check(setresuid(1001, 1001, 1001) == 0, 3);
    int fd = open("f", O_WRONLY);
    check(fd >= 0 && mode_of("f") == 06777, 4);
    check(write(fd, "x", 1) == 1, 5);
    check(mode_of("f") == 0777, 6);
}

static void links(void)
{
    struct stat st;

    check(chown("f", 0, 0) == 0 && symlink("f", "s") == 0, 1);
    check(lchown("s", 1000, 1000) == 0, 2);
    check(lstat("s", &st) == 0 && st.st_uid == 1000, 3);
    check(stat("s", &st) == 0 && st.st_uid == 0, 4);
    check(fchownat(AT_FDCWD, "s", 1001, 1001, 0) == 0, 5);
    check(stat("f", &st) == 0 && st.st_uid == 1001, 6);
    int fd = open("f", O_PATH);
    check(fchown(fd, 0, 0) == -1 && errno == EBADF, 7);
    check(fchownat(fd, "", 0, 0, AT_EMPTY_PATH) == 0, 8);
    check(fchmod(fd, 0600) == -1 && errno == EBADF, 9);
}

int main(void)
{
    enter_scratch();
    chmod(".", 0777);
    put_file("f", "", 0, 0644);
    put_file("g", "", 0, 0644);
    root_only(owner, "an owner");
    root_only(writing_clears, "writing clears set-id bits");
    root_only(links, "symbolic links and descriptors");
    is_errno(chmod("none", 0600), ENOENT);
    is_errno(chmod("f/x", 0600), ENOTDIR);
    is_errno(chmod(BAD_PTR, 0600), EFAULT);
    is_errno(fchmod(99, 0600), EBADF);
    is_errno(fchown(99, 0, 0), EBADF);
    is_errno(chown("none", 0, 0), ENOENT);
    is_errno(fchownat(AT_FDCWD, "f", 0, 0, 0x4000), EINVAL);
    is_errno(fchmodat(99, "f", 0600, 0), EBADF);
    done();
}
