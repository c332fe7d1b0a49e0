/*
 * A sandbox under the care of one nv process: started, listened to, its signals and time limit
 * looked after, taken down.
 */
#ifndef NV_RUNSC_CLI_SESSION_H
#define NV_RUNSC_CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "runsc-cli/control.h"
#include "runsc-cli/options.h"
#include "runsc-cli/spawn.h"

struct session_message {
    struct ctl_msg m;
    char payload[CTL_PAYLOAD_MAX];
    size_t len; /* of the payload */
    int fds[CTL_FDS_MAX];
    int nfds; /* closed after the message was handled: set to -1 what is kept */
};

struct session {
    struct spawn sp;                /* filled by the caller before the start */
    struct sandbox_restore restore; /* what sp.spec.restore points at, if it is from an image */
    uint64_t deadline_ns;           /* 0: none; the sandbox is killed then */
    /* A message of the sandbox; true: session_run() returns. May be NULL. */
    bool (*message)(struct session *s, struct session_message *msg);
    void *arg; /* of message() */
    /* Claimed by the caller, served by session_run(), left by session_end(). NULL: not listed. */
    struct control *control;

    int signals; /* forwarded to the first process; -1: none are */
    bool timed_out;
    bool saved; /* it is in an image and stopped: killed */
    bool ended; /* status is the wait status of the first process, or negative: no answer */
    int status;
    struct rusage gofer_usage;
};

/* 0, or an exit code with e set and nothing left behind. */
int session_start(struct session *s, struct error *e);
/*
 * The same with the time limit of o, memory bytes at most (0: no limit), and the signals that end
 * or stop programs forwarded from now on.
 */
int session_begin(struct session *s, const struct run_options *o, uint64_t memory, struct error *e);
/* Serves the sandbox until message() says stop, or it has ended. */
void session_run(struct session *s);
/* The message that is there, if any: for callers with a loop of their own. */
void session_receive(struct session *s);
/* Payload may be NULL; fds are not taken over. 0 or negative errno. */
int session_send(struct session *s, int type, int value, const void *payload, size_t len,
                 const int *fds, int nfds);
/* /proc/nv/request: by a descriptor if it is large. */
int session_send_request(struct session *s, const char *request, size_t len);
/* What a running sandbox can be asked on its control socket: session_control.c. */
extern const struct control_verb session_verbs[];
/* It was saved and does not go on: session_run() returns. */
void session_saved(struct session *s);
/* The same without waiting: its processes are the caller's to reap. */
void session_kill(struct session *s);
/* Closes what of the caller's was opened for the sandbox, which has its own by now. */
void session_close_streams(struct session *s);
/* Takes the sandbox down: nothing of it is left when this returns. */
void session_end(struct session *s);
/* What nv exits with after the sandbox has ended; says why if that was not the program's doing. */
int session_exit_code(const struct session *s);

#endif
