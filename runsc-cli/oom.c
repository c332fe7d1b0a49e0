/* See oom.h. */
#include "runsc-cli/oom.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "runsc-cli/pagemap.h"

#define SPARED (-999) /* -1000, never: an allocation of the last one left would not end */
#define SCORE_MAX 1000

static int open_score(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
    return open(path, O_WRONLY | O_CLOEXEC);
}

static void put_score(int fd, int value)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", value);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        return; /* not for us to change: as it was */
}

void oom_spare(pid_t pid)
{
    cleanup_close int fd = open_score(pid);

    put_score(fd, SPARED);
}

void oom_adjust_stub(pid_t sentry, int pidfd, int value)
{
    pid_t pid = stub_pid(sentry, pidfd);

    if (pid <= 0)
        return;
    cleanup_close int fd = open_score(pid);
    if (stub_is_alive(pidfd)) /* so fd was its */
        put_score(fd, MAX(MIN(value, SCORE_MAX), SPARED + 1));
}
