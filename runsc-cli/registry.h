/*
 * Running sandboxes, by their id: a directory each in the state directory (base/state_dir.h), with
 * state.json, locked (fcntl) by the nv that supervises the sandbox as long as it lives, and a
 * socket `control` on which it takes requests of the same user and of root.
 */
#ifndef NV_RUNSC_CLI_REGISTRY_H
#define NV_RUNSC_CLI_REGISTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define REGISTRY_ID_MAX 64
#define REGISTRY_MESSAGE_MAX 65536
#define REGISTRY_FDS_MAX 8

/* --- the supervisor's side --- */
struct registry {
    char id[REGISTRY_ID_MAX + 1];
    int state;    /* locked; children must not have it. -1: not registered */
    int listener; /* -1: none */
};

/*
 * Takes an id, or makes one up if it is NULL; then a host without a state directory is no failure,
 * and the sandbox is not listed. An id in use: -EEXIST.
 */
int registry_claim(struct registry *r, const char *id, char *const *command, struct error *e);
/* Takes requests from now on: r->listener can be polled. Not before all children are forked. */
int registry_listen(struct registry *r, struct error *e);
void registry_leave(struct registry *r);

/* A connection of somebody who may make requests, or a negative errno. */
int registry_accept(struct registry *r);

struct registry_request {
    char *verb;
    json_t *args; /* the whole message, an object */
    int fds[REGISTRY_FDS_MAX], nfds;
};
/* 1: a request; 0: the peer is gone; -EAGAIN: not yet; other negative errno: it speaks nonsense. */
int registry_receive(int conn, struct registry_request *q);
void registry_request_free(struct registry_request *q);
/* answer may be NULL; it is not taken. Nobody waits for a peer that does not read. */
int registry_answer(int conn, const json_t *answer);
int registry_refuse(int conn, const struct error *e);

/* --- the other side --- */
int registry_connect(const char *id, struct error *e);
/*
 * Sends a request ("verb" is added to args, which is not taken and may be NULL) and waits for the
 * answer, a new reference; NULL with e set: refused, or the sandbox is gone.
 */
json_t *registry_call(int conn, const char *verb, json_t *args, const int *fds, int nfds,
                      struct error *e);
/* Calls fn with the state of each running sandbox; what dead ones have left is removed. */
int registry_list(void (*fn)(void *arg, const json_t *state), void *arg, struct error *e);

#endif
