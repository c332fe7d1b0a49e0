/*
 * Fibers: stackful coroutines on the sentry's one thread. A fiber runs until it parks; wakes are
 * queued and run by the loop in order. Code between two parks is atomic with regard to all other
 * fibers.
 */
#ifndef NV_SENTRY_KERNEL_FIBER_H
#define NV_SENTRY_KERNEL_FIBER_H

#include <stdbool.h>

struct fiber;

/* Creates a fiber and queues it to run fn(arg). NULL when out of memory. Freed when fn returns. */
struct fiber *fiber_start(void (*fn)(void *arg), void *arg);
struct fiber *fiber_current(void);
void *fiber_arg(void); /* of the current fiber */
/* Ends the current fiber. */
void fiber_exit(void) __attribute__((noreturn));
/* Parks the current fiber until fiber_wake(). Wakes are not counted: a wake before park is kept. */
void fiber_park(void);
/* Queues a parked fiber; on a running or queued one, its next park returns at once. */
void fiber_wake(struct fiber *f);
/* Lets others run, then goes on. */
void fiber_yield(void);
/* Runs queued fibers until none is ready, or budget switches were made. True if any ran. Loop only.
 */
bool fiber_run_ready(int budget);
bool fiber_any_ready(void);

#endif
