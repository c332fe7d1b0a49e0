/* See buffers.h. */
#include "sentry/kernel/buffers.h"

#include "base/macros.h"
#include "sentry/sandbox.h"

static size_t booked;

bool buffers_book(size_t n)
{
    size_t max = sandbox && sandbox->memory_bytes ? sandbox->memory_bytes / 4 : SIZE_MAX;

    if (unlikely(n > max || booked > max - n))
        return false;
    booked += n;
    return true;
}

void buffers_unbook(size_t n)
{
    booked -= n;
}
