/* A platform without guests, for tests that need a loop. */
#ifndef NV_TESTS_UNIT_QUIET_H
#define NV_TESTS_UNIT_QUIET_H

#include "platform/platform.h"

static int no_events(void)
{
    return 0;
}
static bool may_sleep(void)
{
    return true;
}
static void woken(void)
{
}
static int64_t no_spin(void)
{
    return 0;
}
static const struct platform quiet = {.name = "quiet",
                                      .poll = no_events,
                                      .idle_enter = may_sleep,
                                      .idle_leave = woken,
                                      .spin_ns = no_spin};

#endif
