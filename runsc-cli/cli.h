/* The verbs of nv and what they share. */
#ifndef NV_RUNSC_CLI_CLI_H
#define NV_RUNSC_CLI_CLI_H

#include <stdbool.h>

/* Exit codes: 2 bad use, 124 timeout, 125 nv itself failed, 126/127 as shells have them. */
#define EXIT_USAGE 2
#define EXIT_TIMEOUT 124
#define EXIT_NV 125

struct verb {
    const char *name, *args, *what;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
    bool plain;                        /* it has no --help of its own */
};

#define VERB(name, fn, args, what) int fn(int argc, char **argv);
#define PLAIN_VERB VERB
#include "runsc-cli/verbs.def"
#undef VERB
#undef PLAIN_VERB

/* In hex; empty for a build without one. */
#define BUILD_ID_MAX 32
const char *nv_build_id(void);

/* Says what is wrong with an option or argument, how to get help; returns EXIT_USAGE. */
int usage_error(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
