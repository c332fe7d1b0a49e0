/* Options of nv run. */
#ifndef NV_RUNSC_CLI_OPTIONS_H
#define NV_RUNSC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/sandbox.h"

#define RUN_MOUNTS_MAX 32
#define RUN_ENV_MAX 256

struct run_options {
    const char *rootfs, *cwd, *user, *platform, *strace, *event, *hostname, *id;
    bool strace_on, explain, timing, timing_json;
    enum patch_mode patch;
    enum stat_form stat;
    const char *stat_file; /* NULL: standard error */
    uint64_t memory;       /* bytes, 0: the host's */
    int cpus;              /* 0: the host's */
    double timeout_s;      /* 0: none */
    const char *mounts[RUN_MOUNTS_MAX];
    int nmounts;
    const char *env[RUN_ENV_MAX];
    int nenv;
    int first_arg; /* index of the command in argv */
    bool dashes;   /* "--" was there: always a command */
};

/* 0, an exit code to leave with, or -1 when help was printed. */
int run_options_parse(int argc, char **argv, struct run_options *o);

#endif
