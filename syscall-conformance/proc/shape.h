/*
 * What files of /proc look like: a text against a pattern, in which # is a number, @ a hexadecimal
 * one, ~ the rest of the line; what must differ between kernels is masked so.
 */
#ifndef CONFORMANCE_SHAPE_H
#define CONFORMANCE_SHAPE_H

#include "../process/child.h"
#include <ctype.h>

/* is_eq() and is_errno() that say what it is about. */
#define eq(got, want, ...)                                                                         \
    do {                                                                                           \
        long got_ = (long)(got), want_ = (long)(want);                                             \
        if (!ok(got_ == want_, __VA_ARGS__))                                                       \
            printf("# got %ld, want %ld\n", got_, want_);                                          \
    } while (0)
#define fails(expr, want, ...) eq((expr) < 0 ? errno : 0, want, __VA_ARGS__)

static UNUSED_FN bool has_shape(const char *s, const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '#' || *pattern == '@') {
            const char *from = s += *pattern == '#' && *s == '-';
            while (*pattern == '#' ? isdigit((unsigned char)*s) : isxdigit((unsigned char)*s))
                s++;
            if (s == from)
                return false;
        } else if (*pattern == '~') {
            s += strcspn(s, "\n");
        } else if (*s++ != *pattern) {
            return false;
        }
    }
    return !*s;
}

static UNUSED_FN void is_shape(const char *what, const char *s, const char *pattern)
{
    if (!ok(has_shape(s, pattern), "%s has the shape that Linux's has", what))
        printf("# got:\n%s\n# want:\n%s\n", s, pattern);
}

/* The text of a file, as far as it fits; "" without one. */
static UNUSED_FN const char *text_of(const char *path)
{
    static char buf[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    for (ssize_t n = 1; fd >= 0 && len < sizeof(buf) - 1 && n > 0; len += n > 0 ? (size_t)n : 0)
        n = read(fd, buf + len, sizeof(buf) - 1 - len);
    buf[len] = 0;
    if (fd >= 0)
        close(fd);
    return buf;
}

#endif
