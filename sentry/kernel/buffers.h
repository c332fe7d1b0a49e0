/*
 * Bytes that guests put into the sentry where no other limit holds for all of them together: pipes,
 * sockets, attributes. A quarter of the sandbox's memory is for them.
 */
#ifndef NV_SENTRY_KERNEL_BUFFERS_H
#define NV_SENTRY_KERNEL_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>

bool buffers_book(size_t n); /* false: there is no room */
void buffers_unbook(size_t n);

#endif
