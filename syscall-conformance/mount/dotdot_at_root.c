/* path_resolution(7): ".." stays at the root, and goes up through mounts on it; openat2(2): it
 * does not leave where RESOLVE_BENEATH began, also by the mounts that were made on that. */
#include "mnt.h"
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int open2(int fd, const char *name, unsigned long resolve)
{
    struct open_how how = {.flags = O_PATH, .resolve = resolve};
    int got = (int)syscall(SYS_openat2, fd, name, &how, sizeof(how));

    if (got >= 0)
        close(got);
    return got;
}

static int reaches(int fd, const char *name, unsigned long resolve)
{
    return open2(fd, name, resolve) >= 0;
}

int main(void)
{
    mnt_enter();
    dir("in");
    tmpfs_on("in");
    dir("in/x");
    dir("in/y");
    tmpfs_on("in/y");
    int in = open("in", O_PATH), y = open("in/y", O_PATH), over_x;

    tmpfs_on("in"); /* on top: in is the root of what is now covered */
    dir("in/over");
    ok(reaches(in, "x", RESOLVE_BENEATH), "what is covered is there for a descriptor");
    is_errno(open2(in, "..", RESOLVE_BENEATH), EXDEV);
    is_errno(open2(in, "x/../..", RESOLVE_BENEATH), EXDEV);
    is_errno(open2(in, "x/../../..", RESOLVE_BENEATH), EXDEV);
    ok(reaches(in, "x/../over", RESOLVE_BENEATH), ".. goes to what is mounted there");
    is_errno(open2(in, "x/../x", RESOLVE_BENEATH), ENOENT);
    ok(reaches(in, "x/../../over", RESOLVE_IN_ROOT), "and stays there in a root");
    ok(reaches(in, "../over", RESOLVE_IN_ROOT), ".. at a root that is covered");
    is_errno(open2(in, "../x", RESOLVE_IN_ROOT), ENOENT);
    is_errno(open2(in, "..", RESOLVE_IN_ROOT | RESOLVE_NO_XDEV), EXDEV);
    ok(reaches(in, "x/..", 0), "up");
    ok(reaches(in, "../in/over", 0), "up and down");
    ok(reaches(y, "../over", 0), "up from a mount in what is covered");
    is_errno(open2(y, "../x", RESOLVE_NO_XDEV), EXDEV);
    is_errno(open2(y, "../x", RESOLVE_BENEATH), EXDEV);

    pid_t pid = fork();
    if (!pid) {
        int bad = fchdir(in) || chroot(".");
        bad |= access("x", F_OK) ? 2 : 0;
        bad |= access("/x", F_OK) ? 4 : 0;
        bad |= access("/../over", F_OK) ? 8 : 0;
        bad |= access("../over", F_OK) ? 16 : 0;
        bad |= access("x/../over", F_OK) ? 32 : 0;
        bad |= access("x/../../over", F_OK) ? 64 : 0;
        bad |= access("/../x", F_OK) ? 0 : 128;
        _exit(bad);
    }
    int status;
    waitpid(pid, &status, 0);
    is_eq(WEXITSTATUS(status), 0);

    /* A mount that hangs nowhere has no way up. */
    dir("gone");
    tmpfs_on("gone");
    dir("gone/x");
    over_x = open("gone/x", O_PATH);
    umount2("gone", MNT_DETACH_);
    ok(reaches(over_x, "../../x", 0), "up in a mount that is gone");
    is_errno(open2(over_x, "../../x", RESOLVE_BENEATH), EXDEV);
    done();
}
