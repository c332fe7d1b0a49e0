/* See text.h. */
#include "runsc-cli/text.h"

#include <stdio.h>
#include <string.h>

#define BUFFERS 8
#define LONGEST 512

static char *next_buffer(void)
{
    static char buf[BUFFERS][LONGEST];
    static unsigned int i;

    return buf[i++ % BUFFERS];
}

const char *text_safe(const char *s)
{
    char *out = next_buffer(), *to = out;

    if (!s)
        return "-";
    for (; *s && to < out + LONGEST - 1; s++) {
        unsigned char c = (unsigned char)*s;
        /* Controls, also those of 8 bits that UTF-8 writes as c2 80 to c2 9f. */
        if (c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0) {
            s++;
            c = 0;
        }
        *to++ = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    *to = 0;
    return out;
}

const char *text_size(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    char *out = next_buffer();
    double v = (double)bytes;
    int u = 0;

    while (v >= 1024 && u < 4) {
        v /= 1024;
        u++;
    }
    snprintf(out, LONGEST, u ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}
