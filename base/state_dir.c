/* See state_dir.h. */
#include "base/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

char *state_dir_path(const char *name)
{
    const char *dir = getenv("NV_STATE_DIR"), *run = getenv("XDG_RUNTIME_DIR");
    char *path;
    int n;

    if (dir && *dir == '/')
        n = asprintf(&path, "%s%s%s", dir, *name ? "/" : "", name);
    else if (geteuid() == 0)
        n = asprintf(&path, "/run/nv%s%s", *name ? "/" : "", name);
    else if (run && *run == '/')
        n = asprintf(&path, "%s/nv%s%s", run, *name ? "/" : "", name);
    else
        return NULL;
    return n < 0 ? NULL : path;
}

static int is_ours(int fd)
{
    struct stat st;

    if (fstat(fd, &st))
        return -errno;
    return st.st_uid == geteuid() && !(st.st_mode & 022) ? 0 : -EPERM;
}

int state_dir_open(const char *name, bool create)
{
    cleanup_free char *base = state_dir_path("");

    if (!base)
        return -ENOENT;
    if (create && mkdir(base, 0700) && errno != EEXIST)
        return -errno;
    cleanup_close int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = dir < 0 ? -errno : is_ours(dir);
    if (err)
        return err;
    if (create && mkdirat(dir, name, 0700) && errno != EEXIST)
        return -errno;
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    err = fd < 0 ? -errno : is_ours(fd);
    return err ? err : steal_fd(&fd);
}
