/* See error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int error_set(struct error *e, int code, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return code;
    error_free(e);
    e->code = code;
    va_start(ap, fmt);
    if (vasprintf(&e->what, fmt, ap) < 0)
        e->what = NULL;
    va_end(ap);
    return code;
}

int error_say(struct error *e, int code, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return code;
    error_free(e);
    e->code = code;
    e->is_complete = true;
    va_start(ap, fmt);
    if (vasprintf(&e->what, fmt, ap) < 0)
        e->what = NULL;
    va_end(ap);
    return code;
}

void error_hint(struct error *e, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return;
    free(e->hint);
    va_start(ap, fmt);
    if (vasprintf(&e->hint, fmt, ap) < 0)
        e->hint = NULL;
    va_end(ap);
}

void error_print(const struct error *e)
{
    fprintf(stderr, "nv: %s", e->what ? e->what : "failed");
    if (e->code < 0 && !(e->is_complete && e->what))
        fprintf(stderr, ": %s", strerror(-e->code));
    fputc('\n', stderr);
    if (e->hint)
        fprintf(stderr, "nv: hint: %s\n", e->hint);
}

void error_free(struct error *e)
{
    free(e->what);
    free(e->hint);
    *e = (struct error)ERROR_INIT;
}
