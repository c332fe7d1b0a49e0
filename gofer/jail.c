/* Exports and the gofer's own cage. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/empty_root.h"
#include "base/filter.h"
#include "base/macros.h"
#include "gofer/gofer.h"
#include "gofer_filter.h"

#define FILES_MAX 65536

int gofer_export_prepare(const char *path, bool readonly, struct error *e)
{
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

    if (fd < 0) {
        int err = -errno;
        error_set(e, err, "exporting %s", path);
        if (err == -EPERM)
            error_hint(e, "this needs user namespaces (or root): see nv doctor");
        return err;
    }
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | (readonly ? MOUNT_ATTR_RDONLY : 0)};
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr))) {
        int err = error_set(e, -errno, "making %s read-only", path);
        close(fd);
        return err;
    }
    return fd;
}

int gofer_enter_jail(const struct gofer_config *cfg, struct error *e)
{
    struct rlimit files;

    /* Few are open, but those that all sandboxes of a user have under way count, too: unix(7). */
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max = MIN(files.rlim_max, (rlim_t)FILES_MAX);
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(0);
    int err = caps_keep(CAPS_FILE_SERVICE, e);
    return err ? err : filter_install(gofer_filter, ARRAY_SIZE(gofer_filter), "gofer", e);
}
