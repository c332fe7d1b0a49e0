/* pivot_root(2): which places are possible; roots and working directories move along. */
#include "mnt.h"

static int pivot(const char *new, const char *old)
{
    return (int)syscall(SYS_pivot_root, new, old);
}

/* In a child: its root becomes another. */
static int child(void)
{
    char cwd[64];

    if (chdir("new") || pivot(".", "old"))
        return 1;
    if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/"))
        return 2;
    if (access("/in_new", F_OK))
        return 3;
    if (access("/old/proc", F_OK))
        return 4;
    if (umount2("/old", MNT_DETACH_))
        return 5;
    if (!access("/old/proc", F_OK))
        return 6;
    if (chdir("../../.."))
        return 7;
    if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/"))
        return 8;
    return 0;
}

/* The same place for both: the old root lies on top of the new one until it is unmounted. */
static int same_place(void)
{
    if (chdir("new") || pivot(".", "."))
        return 1;
    if (umount2(".", MNT_DETACH_))
        return 2;
    if (access("/in_new", F_OK))
        return 3;
    return 0;
}

static int run_child(int (*fn)(void))
{
    int status;
    pid_t pid = must(fork());

    if (!pid)
        _exit(unshare(CLONE_NEWNS) ? 99 : fn());
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
    mnt_enter();
    dir("new");
    dir("plain");
    touch("f");
    tmpfs_on("new");
    dir("new/old");
    touch("new/in_new");
    is_errno(pivot("missing", "new"), ENOENT);
    is_errno(pivot("new", "missing"), ENOENT);
    is_errno(pivot("f", "new"), ENOTDIR);
    is_errno(pivot("new", "f"), ENOTDIR);
    is_errno(pivot("plain", "plain"), EINVAL);
    is_errno(pivot("/", "/"), EBUSY);
    is_errno(pivot("new", "/"), EBUSY);
    is_errno(pivot("new", "plain"), EINVAL);
    must(mount(NULL, "new", NULL, MS_SHARED, NULL));
    is_errno(pivot("new", "new/old"), EINVAL);
    must(mount(NULL, "new", NULL, MS_PRIVATE, NULL));
    must(mount(NULL, ".", NULL, MS_SHARED, NULL));
    is_errno(pivot("new", "new/old"), EINVAL);
    must(mount(NULL, ".", NULL, MS_PRIVATE, NULL));
    is_eq(run_child(child), 0);
    is_eq(run_child(same_place), 0);
    done();
}
