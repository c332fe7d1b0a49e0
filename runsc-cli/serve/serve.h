/*
 * nv serve: functions of images behind HTTP. One process, one thread, one epoll set: the HTTP
 * library, the sandboxes' control sockets, signals.
 */
#ifndef NV_RUNSC_CLI_SERVE_SERVE_H
#define NV_RUNSC_CLI_SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/strbuf.h"
#include "ckpt/image.h"
#include "runsc-cli/options.h"
#include "runsc-cli/request.h"
#include "runsc-cli/session.h"

struct serve_options {
    const char *listen; /* HOST:PORT */
    int pool;           /* sandboxes kept ready for each function */
    int max_instances;  /* of each function, all states */
    int max_queue;      /* requests of each function that wait for one */
    bool reuse;         /* a sandbox serves one request after the other */
    int concurrency;    /* requests that a sandbox works on at once */
    double timeout_s, idle_s, grace_s;
    struct run_options run; /* what every sandbox is given */
};

/* --- the loop: serve.c --- */
struct watch {
    int fd;
    void (*cb)(struct watch *w);
};
/* Of two times to wait in ms, of which -1 is for ever. */
static inline int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}
int watch_add(struct watch *w);
void watch_del(struct watch *w);

/* --- figures: metrics.c --- */
#define BUCKETS 14
struct histogram {
    uint64_t bucket[BUCKETS + 1], count;
    double sum;
};
void histogram_add(struct histogram *h, uint64_t ns);

struct function;
/* The text format of Prometheus. */
void metrics_print(struct strbuf *out);

/* --- functions and their sandboxes: pool.c --- */
enum instance_state { STARTING, READY, BUSY, NSTATES };

struct function {
    struct list node;
    const char *name;
    unsigned int index; /* in the list */
    struct image img;
    struct list instances; /* of struct instance */
    struct list queue;     /* of struct call */
    int count[NSTATES], queued, in_flight;
    uint64_t last_used_ns; /* 0: not yet */
    int failures;          /* starts in a row */
    uint64_t starts, start_failures, retry_ns;
    uint64_t answers[6]; /* by the first digit of the HTTP status */
    struct histogram restore, request;
};
extern struct list functions;

struct call {         /* one request, the HTTP side's */
    struct list node; /* in the function's queue, or unlinked */
    struct function *fn;
    struct strbuf event; /* JSON */
    uint64_t arrived_ns;
    struct job *job; /* it is worked on */
    bool done;
    int status; /* HTTP */
    struct answer answer;
    void (*finished)(struct call *c);
};

struct job { /* a request that a sandbox works on */
    struct list node;
    struct instance *on;
    struct call *call; /* NULL: nobody waits for the answer any more */
    uint64_t id, since_ns;
};

struct instance {
    struct list node;
    uint64_t id; /* the starter's name for it */
    struct watch watch;
    struct session s; /* sp.ctl is -1 until it has started */
    struct function *fn;
    enum instance_state state; /* BUSY: it takes no more requests */
    struct list jobs;          /* oldest first */
    int njobs;
    bool retiring;              /* one took too long: it ends when the others are answered */
    uint64_t last_id, since_ns; /* it is in this state */
};

int function_add(const char *name, const char *image, const struct serve_options *o,
                 struct error *e);
struct function *function_find(const char *name, size_t len);
/* Takes the request; finished() is called when status and answer are known, maybe at once. */
void call_submit(struct call *c);
/* Whoever asked is gone: nobody wants the answer. */
void call_abandon(struct call *c);
/* One start, or what time demands; how long the loop may sleep: ms, -1 for ever, 0: come back. */
int pool_tend(void);
/* Answers first: what ends is told to end when they are on their way. */
void pool_flush(void);
/* No new requests; true when the last one is answered. */
bool pool_drain(void);
void pool_end(void);
/* Before there is anything in this process that sandboxes have no use for. */
int pool_init(const struct serve_options *o, struct error *e);
/* Bytes of memory that are a sandbox's own. */
uint64_t instance_memory(const struct instance *i);

/* --- HTTP: http.c --- */
int http_start(const char *listen_on, struct watch *w, struct error *e);
void http_run(void);
int http_timeout(void); /* ms, -1: none */
void http_quiesce(void);
void http_stop(void);

#endif
