/* The sandbox's processes: how the CLI starts gofer and sentry, each in its own cage. */
#ifndef NV_RUNSC_CLI_SPAWN_H
#define NV_RUNSC_CLI_SPAWN_H

#include <sched.h>
#include <sys/types.h>

#include "base/error.h"
#include "runsc-cli/cgroup.h"
#include "sentry/sandbox.h"

struct spawn {
    struct sandbox_spec spec; /* filled by the caller but for the sockets */
    const char *rootfs;       /* host directory */
    struct cgroup cgroup;     /* both processes join it, if there is one */
    cpu_set_t cpus;           /* the sandbox runs on these */
    /* results */
    pid_t sentry, gofer;
    int ctl; /* our end of the control socket */
};

/* 0 or negative errno with e set; nothing is left behind on failure. */
int spawn_sandbox(struct spawn *s, struct error *e);

#endif
