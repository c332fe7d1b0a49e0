/* unshare(2), clone(2) CLONE_NEWNS: a copy of the tree; shared mounts are peers of the original's.
 */
#include "mnt.h"
#include <sys/wait.h>

static int p1[2], p2[2];

static void step(int fd)
{
    char c = 0;
    must(write(fd, &c, 1));
}

static void await(int fd)
{
    char c;
    must(read(fd, &c, 1));
}

int main(void)
{
    int status;

    mnt_enter();
    dir("a");
    dir("b");
    dir("s");
    tmpfs_on("s");
    must(mount(NULL, "s", NULL, MS_SHARED, NULL));
    dir("s/x");
    dir("s/y");
    must(pipe(p1));
    must(pipe(p2));
    pid_t pid = must(fork());
    if (!pid) {
        int bad = 0;
        struct stat st;
        must(unshare(CLONE_NEWNS));
        tmpfs_on("a");
        tmpfs_on("s/x");
        step(p1[1]);
        await(p2[0]);
        bad |= is_mounted("b") != 0;
        bad |= (is_mounted("s/y") != 1) << 1;
        /* A mountpoint of another namespace may go. */
        bad |= (stat("a", &st) != 0) << 2;
        step(p1[1]);
        await(p2[0]);
        bad |= is_mounted("a") << 3;
        _exit(bad);
    }
    await(p1[0]);
    ok(!is_mounted("a"), "a mount in the new namespace is not seen in the old one");
    ok(is_mounted("s/x"), "but on a shared mount it is");
    tmpfs_on("b");
    tmpfs_on("s/y");
    step(p2[1]);
    await(p1[0]);
    is_eq(rmdir("a"), 0);
    step(p2[1]);
    must(waitpid(pid, &status, 0));
    is_eq(status, 0);
    ok(is_mounted("s/x"), "the end of the namespace takes nothing of others");
    /* Root and working directory are those of the copy. */
    pid = must(fork());
    if (!pid) {
        must(chdir("b"));
        must(unshare(CLONE_NEWNS));
        must(mount(NULL, tmp_path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
        int bad = open("../new", O_CREAT | O_WRONLY, 0600) != -1 || errno != EROFS;
        _exit(bad);
    }
    must(waitpid(pid, &status, 0));
    is_eq(status, 0);
    touch("new");
    ok(exists("new"), "its flags are its own");
    pid = must(fork());
    if (!pid) {
        must(setresuid(TMP_NOBODY, TMP_NOBODY, TMP_NOBODY));
        _exit(unshare(CLONE_NEWNS) != -1 || errno != EPERM);
    }
    must(waitpid(pid, &status, 0));
    is_eq(status, 0);
    is_errno(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
    done();
}
