/* See empty_root.h. */
#include "base/empty_root.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int empty_root_enter(struct error *e)
{
    /* /proc is there on every host and is about to disappear from our view. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return error_set(e, -errno, "making mounts private");
    if (mount("nv-empty", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=555"))
        return error_set(e, -errno, "mounting an empty root");
    if (chdir("/proc") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
        chdir("/"))
        return error_set(e, -errno, "entering the empty root");
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        return error_set(e, -errno, "making the empty root read-only");
    return 0;
}

void caps_bound(uint64_t set)
{
    for (int cap = 0; cap <= 63; cap++)
        if (!(set >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
            break; /* the last one there is, or not privileged: nothing to drop */
}

int caps_keep(uint64_t set, struct error *e)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {0};

    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
    syscall(SYS_capget, &h, d);
    for (int i = 0; i < 2; i++) {
        uint32_t keep = (uint32_t)(set >> 32 * i) & d[i].permitted;
        d[i].permitted = d[i].effective = keep;
        d[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &h, d))
        return error_set(e, -errno, "dropping capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return error_set(e, -errno, "setting no_new_privs");
    return 0;
}
