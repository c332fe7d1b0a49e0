/* Diagnostics on stderr (or the log FD). Warnings always, debug with NV_DEBUG=1 or --debug. */
#ifndef NV_BASE_LOG_H
#define NV_BASE_LOG_H

#include <stdbool.h>

extern bool log_debug_enabled;

void log_set_fd(int fd);
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug_(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_debug_enabled)                                                                     \
            log_debug_(__VA_ARGS__);                                                               \
    } while (0)

#endif
