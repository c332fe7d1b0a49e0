/* Options of the verbs that start sandboxes. */
#ifndef NV_RUNSC_CLI_OPTIONS_H
#define NV_RUNSC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/sandbox.h"

#define RUN_MOUNTS_MAX 32
#define RUN_ENV_MAX 256

enum option_verb { VERB_RUN = 1, VERB_WARM = 2, VERB_INVOKE = 4, VERB_RESTORE = 8 };

struct run_options {
    enum option_verb verb;
    const char *rootfs, *cwd, *user, *platform, *strace, *event, *hostname, *id, *cpu;
    bool strace_on, explain, io_uring, perf_map, timing, timing_json;
    enum patch_mode patch;
    enum stat_form stat;
    const char *stat_file; /* NULL: standard error */
    const char *core;      /* directory for core files */
    uint64_t core_limit;   /* bytes, 0: the default */
    uint64_t memory;       /* bytes, 0: the host's */
    int cpus;              /* 0: the host's */
    double timeout_s;      /* 0: none */
    const char *mounts[RUN_MOUNTS_MAX];
    int nmounts;
    const char *env[RUN_ENV_MAX];
    int nenv;
    const char *runtime;   /* of a warmed image */
    bool cold;             /* a function's runtime is started, never restored */
    const char *output;    /* image to make */
    int calls;             /* of a function that is warmed */
    int checkpoint_every;  /* calls, 0: never */
    int count, parallel;   /* of calls */
    bool force, trust;     /* make it again; digests are not checked */
    const char *sign_key;  /* private key that signs what is made; NULL: nothing is signed */
    const char *signature; /* public key that must have signed; NULL: any or none */
    int first_arg;         /* index in argv of the command, function or image */
    bool dashes;           /* "--" was there: always a command */
};

/* 0, an exit code to leave with, or -1 when help was printed. */
/* The argument of --memory. 0 or exit code. */
int options_size(const char *verb, const char *arg, uint64_t *out);
int options_parse(enum option_verb verb, int argc, char **argv, struct run_options *o);

#endif
