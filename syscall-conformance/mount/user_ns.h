/* An ordinary user who becomes root of a user namespace, and what the calls that mount say to him.
 */
#ifndef CONFORMANCE_MOUNT_USER_NS_H
#define CONFORMANCE_MOUNT_USER_NS_H

#include "../rows.h"
#include "mnt.h"
#include <sys/prctl.h>

#define SAYS(call) row_add("%s: %s\n", #call, says(call))
#define LONG(...) syscall(__VA_ARGS__)

MNT_FN void set_map(const char *file, const char *text)
{
    int fd = must(open(file, O_WRONLY));

    must(write(fd, text, strlen(text)));
    close(fd);
}

MNT_FN void be_user(void)
{
    must(setgroups(0, NULL));
    must(setresgid(1000, 1000, 1000));
    must(setresuid(1000, 1000, 1000));
    must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

MNT_FN void be_root_inside(int more)
{
    char map[32];
    uid_t uid = getuid();
    gid_t gid = getgid();

    must(unshare(CLONE_NEWUSER | more));
    set_map("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", uid);
    set_map("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "0 %u 1", gid);
    set_map("/proc/self/gid_map", map);
}

/* A directory that every user may use. */
MNT_FN void open_to_all(const char *name)
{
    dir(name);
    must(chmod(name, 0777));
}

#endif
