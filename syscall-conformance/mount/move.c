/* mount(2) MS_MOVE: a mount and all on it go to another place. */
#include "mnt.h"

int main(void)
{
    mnt_enter();
    dir("a");
    dir("b");
    dir("c");
    touch("f");
    tmpfs_on("a");
    dir("a/in");
    tmpfs_on("a/in");
    touch("a/in/f");
    int fd = must(open("a", O_RDONLY));
    is_errno(mount("b", "c", NULL, MS_MOVE, NULL), EINVAL);
    is_errno(mount("a", "f", NULL, MS_MOVE, NULL), EINVAL);
    is_errno(mount("a", "a/in", NULL, MS_MOVE, NULL), ELOOP);
    is_errno(mount("a", "missing", NULL, MS_MOVE, NULL), ENOENT);
    is_eq(mount("a", "b", NULL, MS_MOVE, NULL), 0);
    ok(!is_mounted("a") && is_mounted("b") && is_mounted("b/in"), "it is there and not here");
    ok(!exists("a/in") && exists("b/in/f"), "with all on it");
    ok(!faccessat(fd, "in/f", F_OK, 0), "descriptors follow");
    must(fchdir(fd));
    char cwd[PATH_MAX];
    ok(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd + strlen(cwd) - 2, "/b"), "and names");
    must(chdir(".."));
    must(getcwd(cwd, sizeof(cwd)) ? 0 : -1);
    ok(!strcmp(cwd, tmp_path), "\"..\" is the new parent");
    close(fd);
    must(mount(NULL, ".", NULL, MS_SHARED, NULL));
    is_errno(mount("b", "c", NULL, MS_MOVE, NULL), EINVAL);
    must(mount(NULL, ".", NULL, MS_PRIVATE, NULL));
    is_eq(mount("b", "c", NULL, MS_MOVE, NULL), 0);
    is_eq(umount2("c", MNT_DETACH_), 0);
    done();
}
