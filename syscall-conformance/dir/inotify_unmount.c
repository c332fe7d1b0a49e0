/* inotify(7): when the file system of a watched object is unmounted, its watches end with
 * IN_UNMOUNT and IN_IGNORED. */
#include "../tmp.h"
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>

int main(void)
{
    char buf[4096] __attribute__((aligned(8)));

    tmp_enter();
    is_eq(mkdir("fs", 0755), 0);
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0) /* to ourselves where that can be had */
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (geteuid() || mount("none", "fs", "tmpfs", 0, "size=64k")) {
        skip("mounting is not allowed");
        done();
    }
    close(open("fs/file", O_CREAT | O_WRONLY, 0600));
    int in = inotify_init1(IN_NONBLOCK);
    is_eq(inotify_add_watch(in, "fs/file", IN_MODIFY), 1);
    is_eq(umount("fs"), 0);
    struct inotify_event *e = (struct inotify_event *)buf;
    is_eq(read(in, buf, sizeof(buf)), 2 * sizeof(*e));
    is_eq(e[0].wd, 1);
    is_eq(e[0].mask, IN_UNMOUNT);
    is_eq(e[1].wd, 1);
    is_eq(e[1].mask, IN_IGNORED);
    is_errno(inotify_rm_watch(in, 1), EINVAL);
    is_eq(close(in), 0);
    done();
}
