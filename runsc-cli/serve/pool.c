/*
 * Sandboxes of functions. Each is started from its image without a request (starter.h) and is ready
 * when it says that it waits for one; `pool` of them are kept so. A start takes a processor for
 * some ms: while requests are worked on and enough others are ready, it waits. A sandbox serves one
 * request and ends, or with --reuse goes on, with --concurrency with several at once: their answers
 * are told apart by the number that each request has.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "runsc-cli/serve/serve.h"
#include "runsc-cli/serve/starter.h"
#include "sentry/kernel/loop.h"

#define RETRY_NS (1 * NSEC_PER_SEC) /* after a start that failed */
#define START_TIME_NS (30 * NSEC_PER_SEC)
#define HOLD_NS (5 * NSEC_PER_MSEC) /* that a start waits for requests under way */
#define STARTS_MAX 8                /* of a function at once */

struct list functions = LIST_INIT(functions);

static const struct serve_options *options;
static bool draining;
static uint64_t last_id, starter_since_ns;
static struct watch starter_watch;
static uint64_t *ended; /* ids */
static size_t nended, ended_cap;

static unsigned int nfunctions;

int function_add(const char *name, const char *image, const struct serve_options *o,
                 struct error *e)
{
    struct function *fn = calloc(1, sizeof(*fn));

    if (!fn)
        return error_set(e, -ENOMEM, "function %s", name);
    int err = image_open(&fn->img, image, IMAGE_MAP | (o->run.trust ? IMAGE_TRUST : 0),
                         o->run.signature, e);
    if (err) {
        free(fn);
        return err;
    }
    fn->name = name;
    fn->index = nfunctions++;
    fn->last_used_ns = now_ns();
    list_init(&fn->instances);
    list_init(&fn->queue);
    list_add_tail(&functions, &fn->node);
    return 0;
}

struct function *function_find(const char *name, size_t len)
{
    struct function *fn;

    list_for_each(fn, &functions, node) {
        if (strlen(fn->name) == len && !memcmp(fn->name, name, len))
            return fn;
    }
    return NULL;
}

/* --- calls --- */
static void set_state(struct instance *i, enum instance_state state)
{
    i->fn->count[i->state]--;
    i->state = state;
    i->fn->count[state]++;
    i->since_ns = now_ns();
}

static void finish(struct call *c, int status)
{
    c->status = status;
    c->done = true;
    c->fn->answers[status / 100]++;
    histogram_add(&c->fn->request, now_ns() - c->arrived_ns);
    c->finished(c);
}

static void job_end(struct job *j)
{
    struct instance *i = j->on;

    if (j->call)
        j->call->job = NULL;
    list_del(&j->node);
    free(j);
    i->njobs--;
    i->fn->in_flight--;
}

/* Ends j, and tells who waits for it. */
static void job_finish(struct job *j, int status)
{
    struct call *c = j->call;

    job_end(j);
    if (c)
        finish(c, status);
}

static int send_call(struct instance *i, const struct call *c, uint64_t id)
{
    static const struct run_options none;
    cleanup_strbuf struct strbuf b = STRBUF_INIT;

    if (options->concurrency > 1)
        request_format_numbered(&b, &none, c->event.data, id);
    else
        request_format(&b, &none, c->event.data);
    return b.failed ? -ENOMEM : session_send_request(&i->s, b.data, b.len);
}

static void dispatch(struct instance *i, struct call *c)
{
    struct job *j = calloc(1, sizeof(*j));

    if (!j) {
        finish(c, 503);
        return;
    }
    *j = (struct job){.on = i, .call = c, .id = ++i->last_id, .since_ns = now_ns()};
    list_add_tail(&i->jobs, &j->node);
    i->njobs++;
    i->fn->in_flight++;
    c->job = j;
    if (i->njobs >= options->concurrency)
        set_state(i, BUSY);
    if (send_call(i, c, j->id))
        job_finish(j, 502);
}

/* The one with the least to do. */
static struct instance *find_ready(const struct function *fn)
{
    struct instance *i, *best = NULL;

    list_for_each(i, &fn->instances, node) {
        if (i->state == READY && (!best || i->njobs < best->njobs))
            best = i;
    }
    return best;
}

void call_submit(struct call *c)
{
    struct function *fn = c->fn;

    list_init(&c->node);
    c->answer.code = -1;
    c->arrived_ns = fn->last_used_ns = now_ns();
    if (draining) {
        finish(c, 503);
        return;
    }
    struct instance *i = find_ready(fn);
    if (i) {
        dispatch(i, c);
    } else if (fn->queued >= options->max_queue) {
        finish(c, 429);
    } else {
        list_add_tail(&fn->queue, &c->node);
        fn->queued++;
    }
}

static void unqueue(struct call *c)
{
    if (list_empty(&c->node))
        return;
    list_del(&c->node);
    c->fn->queued--;
}

void call_abandon(struct call *c)
{
    unqueue(c);
    if (c->job)
        c->job->call = NULL;
    c->job = NULL;
}

/* --- instances --- */
static void end_later(uint64_t id)
{
    if (nended == ended_cap) {
        size_t cap = ended_cap ? 2 * ended_cap : 64;
        uint64_t *more = reallocarray(ended, cap, sizeof(*more));
        if (!more) {
            starter_end(id);
            return;
        }
        ended = more;
        ended_cap = cap;
    }
    ended[nended++] = id;
}

void pool_flush(void)
{
    while (nended)
        starter_end(ended[--nended]);
}

static void instance_end(struct instance *i)
{
    if (i->s.sp.ctl >= 0) {
        watch_del(&i->watch);
        close(i->s.sp.ctl);
    }
    end_later(i->id);
    i->fn->count[i->state]--;
    list_del(&i->node);
    while (!list_empty(&i->jobs))
        job_finish(list_first(&i->jobs, struct job, node), 502);
    free(i);
}

/* Requests that wait go to i while it takes any. */
static void feed(struct instance *i)
{
    struct function *fn = i->fn;

    while (i->state == READY && !list_empty(&fn->queue)) {
        struct call *c = list_first(&fn->queue, struct call, node);
        unqueue(c);
        dispatch(i, c);
    }
}

/* By its number; a program that answers without works on one after the other. */
static struct job *job_of(const struct instance *i, uint64_t id)
{
    struct job *j;

    list_for_each(j, &i->jobs, node) {
        if (!id || j->id == id)
            return j;
    }
    return NULL;
}

/* 200, or 500 for a function that failed. */
static void answered(struct instance *i, struct answer *a)
{
    struct job *j = job_of(i, a->id);

    if (!j)
        return;
    if (j->call) {
        answer_free(&j->call->answer);
        j->call->answer = *a;
        *a = (struct answer){.code = -1};
        job_finish(j, j->call->answer.code ? 500 : 200);
    } else {
        job_end(j);
    }
    if (!options->reuse || (i->retiring && !i->njobs)) {
        instance_end(i);
    } else if (options->concurrency > 1 && i->state == BUSY && !i->retiring) {
        set_state(i, READY);
        feed(i);
    }
}

static void at_barrier(struct instance *i)
{
    if (i->state == STARTING)
        histogram_add(&i->fn->restore, now_ns() - i->since_ns);
    i->fn->failures = 0;
    set_state(i, READY);
    feed(i);
}

struct event { /* what a message of a sandbox was */
    struct answer answer;
    bool barrier, response;
};

static bool sandbox_message(struct session *s, struct session_message *msg)
{
    struct event *ev = s->arg;

    ev->barrier = msg->m.type == CTL_BARRIER;
    ev->response = msg->m.type == CTL_RESPONSE;
    s->arg = &ev->answer;
    answer_received(s, msg);
    return false;
}

static void start_failed(struct function *fn)
{
    fn->start_failures++;
    fn->failures++;
    fn->retry_ns = now_ns() + RETRY_NS;
}

static void instance_event(struct watch *w)
{
    struct instance *i = container_of(w, struct instance, watch);
    struct event ev = {.answer = {.code = -1}};

    i->s.arg = &ev;
    session_receive(&i->s);
    if (i->s.ended) {
        if (i->state == STARTING)
            start_failed(i->fn);
        instance_end(i);
    } else if (ev.barrier && i->state != READY && !i->njobs && !i->retiring) {
        at_barrier(i);
    } else if (ev.response && i->state != STARTING) {
        answered(i, &ev.answer);
    }
    answer_free(&ev.answer);
}

static void instance_start(struct function *fn)
{
    struct instance *i = calloc(1, sizeof(*i));

    fn->starts++;
    if (!i || starter_ask(fn->index, ++last_id)) {
        free(i);
        start_failed(fn);
        return;
    }
    i->id = last_id;
    i->s.signals = -1;
    i->s.message = sandbox_message;
    i->s.sp.ctl = -1;
    i->fn = fn;
    list_init(&i->jobs);
    i->since_ns = now_ns();
    fn->count[STARTING]++;
    list_add_tail(&fn->instances, &i->node);
}

static struct instance *instance_find(uint64_t id)
{
    struct function *fn;
    struct instance *i;

    list_for_each(fn, &functions, node) {
        list_for_each(i, &fn->instances, node) {
            if (i->id == id)
                return i;
        }
    }
    return NULL;
}

static void started(const struct starter_reply *r, int ctl)
{
    struct instance *i = instance_find(r->id);

    if (!i) { /* it was given up meanwhile */
        if (ctl >= 0)
            close(ctl);
        return;
    }
    if (r->err) {
        start_failed(i->fn);
        instance_end(i);
        return;
    }
    i->s.sp.ctl = ctl;
    i->s.sp.sentry = r->sentry;
    i->s.sp.gofer = r->gofer;
    i->watch = (struct watch){.fd = ctl, .cb = instance_event};
    watch_add(&i->watch);
}

static void starter_event(struct watch *w);

static int starter_renew(struct error *e)
{
    starter_since_ns = now_ns();
    int fd = starter_begin(options, e);
    if (fd < 0)
        return fd;
    starter_watch = (struct watch){.fd = fd, .cb = starter_event};
    return watch_add(&starter_watch);
}

/* Its sandboxes end with it, and are seen to. */
static void starter_lost(void)
{
    cleanup_error struct error e = ERROR_INIT;
    struct function *fn;
    struct instance *i, *tmp;

    watch_del(&starter_watch);
    fprintf(stderr, "nv: the process that starts sandboxes has ended; there will be another\n");
    list_for_each(fn, &functions, node) {
        list_for_each_safe(i, tmp, &fn->instances, node) {
            if (i->s.sp.ctl < 0)
                instance_end(i);
        }
        start_failed(fn);
    }
    nended = 0;
    if (starter_renew(&e))
        error_print(&e);
}

static void starter_event(struct watch *w)
{
    struct starter_reply r = {0};
    int ctl, got = starter_receive(&r, &ctl);

    if (got > 0)
        started(&r, ctl);
    else if (got < 0)
        starter_lost();
}

int pool_init(const struct serve_options *o, struct error *e)
{
    options = o;
    return starter_renew(e);
}

/* --- what time brings --- */
static bool is_idle(const struct function *fn, uint64_t now)
{
    return options->idle_s > 0 && !fn->queued && !fn->in_flight &&
           now - fn->last_used_ns > (uint64_t)(options->idle_s * 1e9);
}

static bool wants_more(const struct function *fn, uint64_t now)
{
    int total = fn->count[STARTING] + fn->count[READY] + fn->count[BUSY];
    int spare = fn->count[STARTING] + fn->count[READY];

    if (draining || total >= options->max_instances || (fn->failures && now < fn->retry_ns))
        return false;
    if (fn->count[STARTING] >= STARTS_MAX)
        return false;
    if (fn->queued > fn->count[STARTING] * options->concurrency)
        return true;
    return spare < options->pool && !is_idle(fn, now);
}

/* Until when a start can wait, 0: it cannot. */
static uint64_t held_until(const struct function *fn, uint64_t now)
{
    uint64_t until = fn->last_used_ns + HOLD_NS;

    return fn->in_flight && now < until && 2 * fn->count[READY] >= options->pool ? until : 0;
}

/* The time at which i has to be looked at, 0: none. */
static uint64_t instance_deadline(const struct instance *i)
{
    if (i->state == STARTING)
        return i->since_ns + START_TIME_NS;
    if (options->timeout_s <= 0 || list_empty(&i->jobs))
        return 0;
    const struct job *oldest = list_first(&i->jobs, struct job, node);
    return oldest->since_ns + (uint64_t)(options->timeout_s * 1e9);
}

/* The oldest request took too long. What else it works on may end, within the same time. */
static void time_is_up(struct instance *i)
{
    if (i->state != STARTING)
        job_finish(list_first(&i->jobs, struct job, node), 504);
    if (!i->njobs) {
        instance_end(i);
        return;
    }
    i->retiring = true;
    if (i->state != BUSY)
        set_state(i, BUSY);
}

static int ms_until(uint64_t at, uint64_t now)
{
    return at <= now ? 0 : (int)MIN((at - now) / NSEC_PER_MSEC + 1, 60000UL);
}

static int tend_function(struct function *fn, uint64_t now)
{
    struct instance *i, *tmp;
    int wait = -1;

    list_for_each_safe(i, tmp, &fn->instances, node) {
        uint64_t at = instance_deadline(i);
        if (at && at <= now)
            time_is_up(i);
        else if (i->state == READY && is_idle(fn, now))
            instance_end(i);
        else if (at)
            wait = sooner(wait, ms_until(at, now));
    }
    if (wants_more(fn, now)) {
        uint64_t held = held_until(fn, now);
        if (!held) {
            instance_start(fn);
            return 0;
        }
        wait = sooner(wait, ms_until(held, now));
    }
    if (fn->failures && fn->queued)
        wait = sooner(wait, ms_until(fn->retry_ns, now));
    if (options->idle_s > 0 && fn->count[READY])
        wait = sooner(
            wait,
            ms_until(fn->last_used_ns + (uint64_t)(options->idle_s * 1e9) + NSEC_PER_MSEC, now));
    return wait;
}

int pool_tend(void)
{
    struct function *fn;
    int wait = -1;

    list_for_each(fn, &functions, node)
        wait = sooner(wait, tend_function(fn, now_ns()));
    return nended ? 0 : wait;
}

bool pool_drain(void)
{
    struct function *fn;
    bool busy = false;

    draining = true;
    list_for_each(fn, &functions, node)
        busy |= fn->queued || fn->in_flight;
    return !busy;
}

void pool_end(void)
{
    struct function *fn;

    list_for_each(fn, &functions, node) {
        while (!list_empty(&fn->queue)) {
            struct call *c = list_first(&fn->queue, struct call, node);
            unqueue(c);
            finish(c, 503);
        }
        while (!list_empty(&fn->instances))
            instance_end(list_first(&fn->instances, struct instance, node));
    }
    pool_flush();
    starter_stop();
}
