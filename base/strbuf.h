/* Growing byte buffer for generated text. Failed allocations are sticky: check strbuf_failed once.
 */
#ifndef NV_BASE_STRBUF_H
#define NV_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *data; /* NUL terminated once anything was added */
    size_t len, cap;
    bool failed;
};

#define STRBUF_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

void strbuf_free(struct strbuf *b);
void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap);
/* Adds s as a JSON string, quotes included. */
void strbuf_json_string(struct strbuf *b, const char *s);

#define cleanup_strbuf __attribute__((cleanup(strbuf_free)))

#endif
