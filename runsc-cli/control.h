/* The control socket of a running sandbox, served in the poll loop of its supervisor. */
#ifndef NV_RUNSC_CLI_CONTROL_H
#define NV_RUNSC_CLI_CONTROL_H

#include <poll.h>

#include "runsc-cli/registry.h"

#define CONTROL_CONNS 8 /* at a time; others wait in the listener's queue */
#define CONTROL_POLLFDS (CONTROL_CONNS + 1)
#define CONTROL_LATER 1

struct control {
    struct registry registry;
    struct control_conn {
        int fd;       /* -1: free */
        bool is_busy; /* a request is being served: nothing is read until its answer */
    } conn[CONTROL_CONNS];
};

/*
 * 0: done, *answer (may stay NULL) is sent and released; CONTROL_LATER: control_finish(slot) will
 * be called; negative with e set: refused. The request's descriptors are closed afterwards unless
 * taken by setting q->nfds to 0.
 */
struct control_verb {
    const char *name;
    int (*serve)(void *arg, int slot, struct registry_request *q, json_t **answer, struct error *e);
};

/* As registry_claim() and registry_listen(). */
int control_claim(struct control *c, const char *id, char *const *command, struct error *e);
int control_listen(struct control *c, struct error *e);
void control_leave(struct control *c);

/* Fills in what to wait for; negative descriptors are ignored by poll. */
void control_wait(const struct control *c, struct pollfd p[CONTROL_POLLFDS]);
/* Serves what has come. verbs ends with an empty one. */
void control_serve(struct control *c, const struct pollfd p[CONTROL_POLLFDS],
                   const struct control_verb *verbs, void *arg);
/* The answer to a request that was left for later: a refusal if e is not NULL. */
void control_finish(struct control *c, int slot, const json_t *answer, const struct error *e);

#endif
