/* A unix socket bound to a path keeps the mount busy; after a lazy unmount it goes on working. */
#include "../tmp.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "fs/sock"}, b;
    socklen_t len = sizeof(b);

    tmp_enter();
    is_eq(mkdir("fs", 0755), 0);
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0) /* to ourselves where that can be had */
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (geteuid() || mount("none", "fs", "tmpfs", 0, "size=64k")) {
        skip("mounting is not allowed");
        done();
    }
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    is_eq(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    is_eq(listen(s, 1), 0);
    is_errno(umount("fs"), EBUSY);
    is_eq(connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
    is_eq(umount2("fs", MNT_DETACH), 0);
    int peer = accept(s, NULL, NULL);
    ok(peer >= 0, "the connection is there");
    is_eq(getsockname(s, (struct sockaddr *)&b, &len), 0);
    ok(!strcmp(b.sun_path, "fs/sock"), "the name is there");
    is_eq(close(s), 0);
    is_eq(write(c, "x", 1), 1);
    is_eq(close(c), 0);
    is_eq(close(peer), 0);
    done();
}
