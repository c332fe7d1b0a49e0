/* Text of others for a terminal, and numbers for people. */
#ifndef NV_RUNSC_CLI_TEXT_H
#define NV_RUNSC_CLI_TEXT_H

#include <stdint.h>

/*
 * s with everything but printable characters replaced by '?': what an image or a guest says must
 * not steer the terminal. NULL is "-". One of 8 buffers in turn; long text is cut.
 */
const char *text_safe(const char *s);
/* "12.3 MiB"; one of 8 buffers in turn. */
const char *text_size(uint64_t bytes);

#endif
