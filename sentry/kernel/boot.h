/* The first process of a sandbox. */
#ifndef NV_SENTRY_KERNEL_BOOT_H
#define NV_SENTRY_KERNEL_BOOT_H

/* Queues the fiber that sets up mounts and streams and executes the sandbox's program. */
int init_start(void);
/* Called once when the program has been loaded (sentry/main.c). */

#endif
