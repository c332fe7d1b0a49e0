/* Requests to warmed runtimes and their answers: what runsc-cli/node/runner.js reads and writes. */
#ifndef NV_RUNSC_CLI_REQUEST_H
#define NV_RUNSC_CLI_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "runsc-cli/options.h"
#include "runsc-cli/session.h"

/* JSON with the event and the variables of --env. */
void request_format(struct strbuf *b, const struct run_options *o, const char *event);
/* The same, for one of several that a runtime works on at once; id is not 0. */
void request_format_numbered(struct strbuf *b, const struct run_options *o, const char *event,
                             uint64_t id);
/* For a runtime without a function: the whole environment, and what to load where. */
void request_format_function(struct strbuf *b, const struct run_options *o, const char *event,
                             const char *file, const char *cwd);

struct answer {
    int code;    /* exit code; -1: there is none yet */
    uint64_t id; /* of the request, 0: it had none */
    char *text;  /* owned */
    size_t len;
};
/* A session's message(): takes CTL_RESPONSE into the struct answer that is its arg. */
bool answer_received(struct session *s, struct session_message *msg);
/* The result on standard output, or what went wrong on standard error. */
void answer_print(const struct answer *a);
void answer_free(struct answer *a);

#endif
