/* The control socket between the sentry and the CLI that supervises it: see struct ctl_msg. */
#ifndef NV_SENTRY_CTL_H
#define NV_SENTRY_CTL_H

#include <stddef.h>

/* Watches sandbox->ctl_sock. 0 or negative errno. */
int ctl_init(void);
/* Tells the CLI; lost when nobody listens any more. */
void ctl_send(int type, int value);
/* With payload bytes after the message (at most CTL_PAYLOAD_MAX) and a descriptor, or -1. */
int ctl_send_more(int type, int value, const void *payload, size_t len, int fd);
/*
 * Asks the CLI for a descriptor: type and value, with fd (or -1), are answered by a message of type
 * answer that has it, or a negative errno as value. Parks the fiber.
 */
int ctl_ask(int type, int value, int fd, int answer);

#endif
