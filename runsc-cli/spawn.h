/* The sandbox's processes: how the CLI starts gofer and sentry, each in its own cage. */
#ifndef NV_RUNSC_CLI_SPAWN_H
#define NV_RUNSC_CLI_SPAWN_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "runsc-cli/cgroup.h"
#include "runsc-cli/ground.h"
#include "sentry/sandbox.h"

struct spawn {
    struct sandbox_spec spec; /* filled by the caller but for the sockets */
    const char *rootfs;       /* host directory */
    struct cgroup cgroup;     /* both processes join it, if there is one */
    cpu_set_t cpus;           /* the sandbox runs on these */
    /* Both or none: what is there already. The network namespace is then the caller's. */
    const struct ground *ground;
    const struct ground_exports *exports;
    /* Called while the gofer starts, and before any guest code runs. NULL: nothing. */
    void (*meanwhile)(void *arg);
    void *meanwhile_arg;
    /* results */
    bool has_net; /* it was given the caller's network namespace */
    pid_t sentry, gofer;
    int ctl; /* our end of the control socket */
};

/* CAP_SYS_ADMIN, and a user nobody who can be given to the sentry: else do as ordinary users do. */
bool spawn_is_privileged(void);
/*
 * A process of a sandbox has no descriptor that it was not meant to have, least of all those of
 * other sandboxes: closes all but standard streams and these, negative ones left out.
 */
void spawn_keep_only(int *fds, size_t n);
/* 0 or negative errno with e set; nothing is left behind on failure. */
int spawn_sandbox(struct spawn *s, struct error *e);

#endif
