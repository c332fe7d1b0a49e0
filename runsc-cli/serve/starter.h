/*
 * The process that starts sandboxes for nv serve and takes them down: small, so that its forks are
 * cheap, beside the loop, so that no request waits for a start, and prepared as ground.h says. Its
 * end is the end of all sandboxes, and nv serve's end is its end.
 */
#ifndef NV_RUNSC_CLI_SERVE_STARTER_H
#define NV_RUNSC_CLI_SERVE_STARTER_H

#include <stdint.h>
#include <sys/types.h>

#include "runsc-cli/serve/serve.h"

struct starter_reply {
    uint64_t id;
    int32_t err; /* 0, or why there is no sandbox: said on standard error */
    pid_t sentry, gofer;
};

/* Functions are known from now on by their place in the list. Its socket, or negative errno. */
int starter_begin(const struct serve_options *o, struct error *e);
/* 0 or negative errno; the answer comes by starter_receive(). */
int starter_ask(unsigned int function, uint64_t id);
/* Whatever state it is in. */
void starter_end(uint64_t id);
/* 1: a reply, and with err 0 the sandbox's control socket, the caller's; 0: none; negative: it is
 * gone. */
int starter_receive(struct starter_reply *r, int *ctl);
/* Returns when all sandboxes are gone. */
void starter_stop(void);

#endif
