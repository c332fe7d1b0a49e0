/*
 * HTTP by libmicrohttpd, loaded when nv serve starts. It is driven from our loop; a request is
 * suspended while a sandbox works on it.
 *
 *   POST /NAME     the event as JSON; the result as JSON
 *   GET  /metrics, /healthz
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/library.h"
#include "runsc-cli/serve/serve.h"

#define BODY_MAX (16UL << 20)
#define CONNECTIONS_MAX 4096
#define BACKLOG 1024

static struct {
    struct MHD_Daemon *(*start_daemon)(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback,
                                       void *, MHD_AccessHandlerCallback, void *, ...);
    void (*stop_daemon)(struct MHD_Daemon *);
    MHD_socket (*quiesce_daemon)(struct MHD_Daemon *);
    enum MHD_Result (*run)(struct MHD_Daemon *);
    enum MHD_Result (*get_timeout)(struct MHD_Daemon *, MHD_UNSIGNED_LONG_LONG *);
    const union MHD_DaemonInfo *(*get_daemon_info)(struct MHD_Daemon *, enum MHD_DaemonInfoType,
                                                   ...);
    struct MHD_Response *(*create_response)(size_t, void *, enum MHD_ResponseMemoryMode);
    enum MHD_Result (*add_header)(struct MHD_Response *, const char *, const char *);
    enum MHD_Result (*queue_response)(struct MHD_Connection *, unsigned int, struct MHD_Response *);
    void (*destroy_response)(struct MHD_Response *);
    void (*suspend)(struct MHD_Connection *);
    void (*resume)(struct MHD_Connection *);
} mhd;

static int load(struct error *e)
{
    static const struct library_function f[] = {
        {"MHD_start_daemon", &mhd.start_daemon},
        {"MHD_stop_daemon", &mhd.stop_daemon},
        {"MHD_quiesce_daemon", &mhd.quiesce_daemon},
        {"MHD_run", &mhd.run},
        {"MHD_get_timeout", &mhd.get_timeout},
        {"MHD_get_daemon_info", &mhd.get_daemon_info},
        {"MHD_create_response_from_buffer", &mhd.create_response},
        {"MHD_add_response_header", &mhd.add_header},
        {"MHD_queue_response", &mhd.queue_response},
        {"MHD_destroy_response", &mhd.destroy_response},
        {"MHD_suspend_connection", &mhd.suspend},
        {"MHD_resume_connection", &mhd.resume},
    };

    return library_load("libmicrohttpd.so.12", "libmicrohttpd12", f, ARRAY_SIZE(f), e);
}

static struct MHD_Daemon *http;

struct request {
    struct call call; /* fn is NULL until it was submitted */
    struct MHD_Connection *connection;
    bool too_large, suspended, in_handler;
};

/* --- answers --- */
static enum MHD_Result reply(struct MHD_Connection *c, int status, const char *type,
                             const void *data, size_t len)
{
    struct MHD_Response *r =
        mhd.create_response(len, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);

    if (!r)
        return MHD_NO;
    mhd.add_header(r, "Content-Type", type);
    if (status == 405)
        mhd.add_header(r, "Allow", "POST");
    if (status == 429 || status == 503)
        mhd.add_header(r, "Retry-After", "1");
    enum MHD_Result ok = mhd.queue_response(c, (unsigned int)status, r);
    mhd.destroy_response(r);
    return ok;
}

static enum MHD_Result reply_error(struct MHD_Connection *c, int status, const char *what)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT;

    strbuf_puts(&b, "{\"error\":");
    strbuf_json_string(&b, what);
    strbuf_puts(&b, "}\n");
    return reply(c, status, "application/json", b.data, b.len);
}

static const char *meaning(int status)
{
    switch (status) {
    case 429:
        return "too many requests wait for this function";
    case 502:
        return "the sandbox ended without an answer";
    case 503:
        return "shutting down";
    case 504:
        return "the function took too long";
    default:
        return "failed";
    }
}

static enum MHD_Result reply_call(struct request *q)
{
    const struct answer *a = &q->call.answer;
    cleanup_free char *text = NULL;

    if (q->call.status == 200)
        return reply(q->connection, 200, "application/json", a->text, a->len);
    if (q->call.status != 500)
        return reply_error(q->connection, q->call.status, meaning(q->call.status));
    text = strndup(a->text ? a->text : "", a->len);
    return reply_error(q->connection, 500, text ? text : "");
}

/* --- requests --- */
static void call_finished(struct call *c)
{
    struct request *q = container_of(c, struct request, call);

    if (q->suspended)
        mhd.resume(q->connection);
    q->suspended = false;
}

static bool is_json(const struct strbuf *b)
{
    json_t *j = json_loadb(b->data ? b->data : "", b->len, JSON_DECODE_ANY, NULL);

    json_decref(j);
    return j != NULL;
}

static enum MHD_Result submit(struct request *q, struct function *fn)
{
    struct strbuf *event = &q->call.event;

    if (!event->len)
        strbuf_puts(event, "{}");
    if (event->failed || !is_json(event))
        return reply_error(q->connection, 400, "the body is not JSON");
    q->call.fn = fn;
    q->call.finished = call_finished;
    call_submit(&q->call);
    if (q->call.done)
        return reply_call(q);
    q->suspended = true;
    mhd.suspend(q->connection);
    return MHD_YES;
}

static enum MHD_Result reply_metrics(struct MHD_Connection *c)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT;

    metrics_print(&b);
    return reply(c, 200, "text/plain; version=0.0.4", b.data, b.len);
}

static enum MHD_Result complete(struct request *q, const char *url, const char *method)
{
    const char *name = url[0] == '/' ? url + 1 : url;
    bool get = !strcmp(method, "GET");
    struct function *fn = function_find(name, strcspn(name, "/"));

    if (q->call.done)
        return reply_call(q);
    if (get && !strcmp(url, "/metrics"))
        return reply_metrics(q->connection);
    if (get && !strcmp(url, "/healthz"))
        return reply(q->connection, 200, "text/plain", "ok\n", 3);
    if (!fn)
        return reply_error(q->connection, 404, "there is no such function");
    if (strcmp(method, "POST") != 0)
        return reply_error(q->connection, 405, "functions are called by POST");
    if (q->too_large)
        return reply_error(q->connection, 413, "the event is too large");
    return submit(q, fn);
}

/* Called once with the headers, for each piece of the body, when it is complete, and after resume.
 */
static enum MHD_Result access_handler(void *cls, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *size, void **slot)
{
    struct request *q = *slot;

    if (!q) {
        q = calloc(1, sizeof(*q));
        if (!q)
            return MHD_NO;
        q->connection = connection;
        *slot = q;
        return MHD_YES;
    }
    if (!*size)
        return complete(q, url, method);
    if (q->call.event.len + *size > BODY_MAX)
        q->too_large = true;
    else
        strbuf_add(&q->call.event, data, *size);
    *size = 0;
    return MHD_YES;
}

static void completed(void *cls, struct MHD_Connection *connection, void **slot,
                      enum MHD_RequestTerminationCode why)
{
    struct request *q = *slot;

    if (!q)
        return;
    if (q->call.fn && !q->call.done)
        call_abandon(&q->call);
    answer_free(&q->call.answer);
    strbuf_free(&q->call.event);
    free(q);
    *slot = NULL;
}

/* --- the socket --- */
static int listen_on(const char *where, struct error *e)
{
    cleanup_free char *host = strdup(where);
    char *colon = host ? strrchr(host, ':') : NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *ai = NULL;
    int one = 1, fd = -1;

    if (colon)
        *colon = 0;
    const char *name = colon && colon != host ? host : NULL;
    size_t n = name ? strlen(name) : 0;
    if (n > 2 && name[0] == '[' && name[n - 1] == ']') {
        host[n - 1] = 0;
        name++;
    }
    if (!colon || getaddrinfo(name, colon + 1, &hints, &ai))
        /* cppcheck-suppress memleak ; freed by its attribute */
        return error_say(e, -EINVAL, "--listen %s: expected ADDRESS:PORT", where);
    fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG)) {
        error_set(e, -errno, "listening on %s", where);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(ai);
    return fd;
}

static void http_event(struct watch *w)
{
    mhd.run(http);
}

int http_start(const char *where, struct watch *w, struct error *e)
{
    int err = load(e);

    if (err)
        return err;
    int fd = listen_on(where, e);
    if (fd < 0)
        return fd;
    http = mhd.start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, access_handler,
                            NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
                            completed, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, 60U, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http ? mhd.get_daemon_info(http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return error_set(e, -EIO, "starting the HTTP server");
    *w = (struct watch){.fd = info->epoll_fd, .cb = http_event};
    return 0;
}

void http_run(void)
{
    mhd.run(http);
}

int http_timeout(void)
{
    MHD_UNSIGNED_LONG_LONG ms;

    return mhd.get_timeout(http, &ms) == MHD_YES ? (int)MIN(ms, 60000ULL) : -1;
}

/* Connections that are there go on. */
void http_quiesce(void)
{
    MHD_socket fd = mhd.quiesce_daemon(http);

    if (fd >= 0)
        close(fd);
}

void http_stop(void)
{
    mhd.run(http); /* what was answered last goes out */
    mhd.stop_daemon(http);
}
