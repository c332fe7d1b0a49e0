/* The report of `nv run --explain`; entries come from explain_missing() (syscall.h). */
#ifndef NV_SENTRY_KERNEL_EXPLAIN_H
#define NV_SENTRY_KERNEL_EXPLAIN_H

void explain_print(int fd);

#endif
