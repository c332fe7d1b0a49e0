/* See log.h. One write(2) a line, so that lines of several processes do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool log_debug_enabled;
static int log_fd = STDERR_FILENO;

void log_set_fd(int fd)
{
    log_fd = fd;
}

static void log_line(const char *prefix, const char *fmt, va_list ap)
{
    char line[1024];
    int n = snprintf(line, sizeof(line) - 1, "%s", prefix);
    int m = vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);

    n += m < 0 ? 0 : m;
    if (n > (int)sizeof(line) - 2)
        n = (int)sizeof(line) - 2;
    line[n] = '\n';
    /* Nothing can be done about a diagnostic that cannot be written. */
    if (write(log_fd, line, (size_t)n + 1) < 0)
        return;
}

void log_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line("nv: ", fmt, ap);
    va_end(ap);
}

void log_debug_(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line("nv: debug: ", fmt, ap);
    va_end(ap);
}
