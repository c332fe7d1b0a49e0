/* See oom.h. */
#include "runsc-cli/oom.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "runsc-cli/pagemap.h"

/* Needs CAP_SYS_RESOURCE. -1000, never, is not wanted: an allocation of the last one would not end.
 */
#define SPARED (-999)
/*
 * Anybody may do the opposite: guests from -1000 to 1000 are from 100 to 1000 for the host, where a
 * sentry that could not be spared has 0 (and its guests a head start of that part of the limit).
 */
#define GUEST_SCORE(v) ((v) < 0 ? 400 + (v)*3 / 10 : 400 + (v)*6 / 10)

static int open_score(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
    return open(path, O_WRONLY | O_CLOEXEC);
}

static bool put_score(int fd, int value)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", value);
    return fd >= 0 && write(fd, text, strlen(text)) > 0;
}

void oom_begin(pid_t sentry)
{
    cleanup_close int fd = open_score(sentry);

    put_score(fd, GUEST_SCORE(0));
}

void oom_spare(pid_t pid)
{
    cleanup_close int fd = open_score(pid);

    if (!put_score(fd, SPARED))
        put_score(fd, 0);
}

void oom_adjust_stub(pid_t sentry, int pidfd, int value)
{
    pid_t pid = stub_pid(sentry, pidfd);

    if (pid <= 0)
        return;
    cleanup_close int fd = open_score(pid);
    if (stub_is_alive(pidfd)) /* so fd was its */
        put_score(fd, GUEST_SCORE(MAX(MIN(value, 1000), -1000)));
}
