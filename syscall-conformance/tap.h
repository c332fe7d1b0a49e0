/*
 * Assertions of a conformance program, printed as TAP. Output must be the same on every run: no
 * pids, addresses or times in texts.
 */
#ifndef CONFORMANCE_TAP_H
#define CONFORMANCE_TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failures;

__attribute__((format(printf, 2, 3), unused)) static int tap_result(int good, const char *fmt, ...)
{
    va_list ap;

    printf("%s %d - ", good ? "ok" : "not ok", ++tap_count);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    tap_failures += !good;
    return good;
}

/* ok(condition, "text", ...): the condition holds. */
#define ok(cond, ...) tap_result(!!(cond), __VA_ARGS__)

/* is_errno(call, EFOO): the call returned -1 with this errno. */
#define is_errno(expr, want)                                                                       \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long tap_r_ = (long)(expr);                                                                \
        int tap_e_ = errno;                                                                        \
        if (!tap_result(tap_r_ == -1 && tap_e_ == (want), "%s fails with %s", #expr, #want))       \
            printf("# returned %s, errno %s\n", tap_r_ == -1 ? "-1" : "a value",                   \
                   strerror(tap_e_));                                                              \
    } while (0)

/* is_eq(got, want): both are the same number. */
#define is_eq(got, want)                                                                           \
    do {                                                                                           \
        long tap_g_ = (long)(got), tap_w_ = (long)(want);                                          \
        if (!tap_result(tap_g_ == tap_w_, "%s is %s", #got, #want))                                \
            printf("# got %ld, want %ld\n", tap_g_, tap_w_);                                       \
    } while (0)

#define skip(...)                                                                                  \
    do {                                                                                           \
        printf("ok %d # SKIP ", ++tap_count);                                                      \
        printf(__VA_ARGS__);                                                                       \
        putchar('\n');                                                                             \
    } while (0)

#define done()                                                                                     \
    do {                                                                                           \
        printf("1..%d\n", tap_count);                                                              \
        fflush(stdout);                                                                            \
        exit(tap_failures ? 1 : 0);                                                                \
    } while (0)

#endif
