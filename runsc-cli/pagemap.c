/* See pagemap.h. What the sentry sends is hostile. */
#include "runsc-cli/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdmsg.h"
#include "base/macros.h"
#include "sentry/sandbox.h"

/* The number that follows name in a file of /proc, or -1. */
static long proc_number(const char *path, const char *name)
{
    char line[256];
    long value = -1;

    cleanup_file_stream FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), "%ld", &value) == 1)
            break;
    return value;
}

/* Once it has ended its number may be another process's. */
bool stub_is_alive(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    return poll(&p, 1, 0) == 0;
}

/*
 * Who opens it with CAP_SYS_ADMIN lets the reader see physical addresses: they are nobody's
 * business.
 */
static int open_without_admin(const char *path)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct had[2], less[2];

    if (syscall(SYS_capget, &h, had))
        return -errno;
    memcpy(less, had, sizeof(less));
    less[0].effective &= ~(1U << CAP_SYS_ADMIN);
    if (syscall(SYS_capset, &h, less))
        return -errno;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = errno;
    if (syscall(SYS_capset, &h, had)) {
        if (fd >= 0)
            close(fd);
        return -EPERM;
    }
    return fd < 0 ? -err : fd;
}

pid_t stub_pid(pid_t sentry, int pidfd)
{
    char path[64];

    if (pidfd < 0)
        return -EBADF;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    long pid = proc_number(path, "Pid:");
    if (pid <= 0)
        return -EBADF;
    snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    return proc_number(path, "PPid:") == sentry ? (pid_t)pid : -EPERM;
}

static int open_of_stub(pid_t sentry, int pidfd, int which)
{
    static const char *const names[] = {
        [STUB_PAGEMAP] = "pagemap", [STUB_STATM] = "statm", [STUB_SMAPS] = "smaps"};
    pid_t pid = stub_pid(sentry, pidfd);
    char path[64];

    if (pid < 0)
        return pid;
    if (which < 0 || which >= (int)ARRAY_SIZE(names))
        return -EINVAL;
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[which]);
    int fd = open_without_admin(path);
    if (fd >= 0 && !stub_is_alive(pidfd)) {
        close(fd);
        return -ESRCH;
    }
    return fd;
}

void pagemap_serve(int ctl, pid_t sentry, int pidfd, int which)
{
    cleanup_close int from = pidfd;
    cleanup_close int fd = open_of_stub(sentry, from, which);
    struct ctl_msg m = {.type = CTL_STUB_FILE, .value = fd < 0 ? fd : 0};
    const struct iovec iov = {&m, sizeof(m)};

    if (fdmsg_send(ctl, &iov, 1, &fd, fd >= 0, MSG_DONTWAIT) < 0)
        return; /* it is ending */
}
