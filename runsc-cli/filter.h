/* The sentry's seccomp filter, from sentry/hostcalls.def. */
#ifndef NV_RUNSC_CLI_FILTER_H
#define NV_RUNSC_CLI_FILTER_H

#include "base/error.h"

int sentry_filter_install(struct error *e);

#endif
