/* An error for people: what failed with which object, and what to do about it. */
#ifndef NV_BASE_ERROR_H
#define NV_BASE_ERROR_H

#include <stdbool.h>

struct error {
    int code;         /* negative errno, or 0 when nothing failed */
    char *what;       /* owned */
    char *hint;       /* owned, may be NULL */
    bool is_complete; /* what says it all: printed without the code's own text */
};

#define ERROR_INIT                                                                                 \
    {                                                                                              \
        0, NULL, NULL, false                                                                       \
    }

/* Sets the error (replacing an older one) and returns code, so that callers can return it. */
int error_set(struct error *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a text that needs no explanation by the code's. */
int error_say(struct error *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds or replaces the hint. */
void error_hint(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints "nv: what: strerror" and the hint on stderr. */
void error_print(const struct error *e);
void error_free(struct error *e);

#define cleanup_error __attribute__((cleanup(error_free)))

#endif
