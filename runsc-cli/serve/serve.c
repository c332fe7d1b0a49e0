/* nv serve: options, signals and the loop. */
#include "runsc-cli/serve/serve.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/macros.h"
#include "platform/platform.h"
#include "runsc-cli/cli.h"
#include "sentry/kernel/loop.h"

#define EVENTS 64

/* --- the loop --- */
static int epoll_fd;
static bool stopping;

int watch_add(struct watch *w)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = w};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &ev) ? -errno : 0;
}

/* One event is handled a turn: nothing that is gone is looked at again. */
void watch_del(struct watch *w)
{
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
}

static void signal_event(struct watch *w)
{
    struct signalfd_siginfo si;

    while (read(w->fd, &si, sizeof(si)) == sizeof(si)) {
        stopping = true;
    }
}

static int watch_signals(struct watch *w)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *w = (struct watch){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .cb = signal_event};
    return w->fd < 0 ? -errno : watch_add(w);
}

/* An event, or after them all what time brings. */
static void turn(int timeout_ms)
{
    struct epoll_event ev;

    http_run();
    pool_flush();
    int n = epoll_wait(epoll_fd, &ev, 1, 0);
    if (n == 0) {
        int wait = sooner(pool_tend(), timeout_ms);
        n = epoll_wait(epoll_fd, &ev, 1, sooner(wait, http_timeout())); /* it may have answered */
    }
    if (n > 0)
        ((struct watch *)ev.data.ptr)->cb(ev.data.ptr);
}

static void loop(const struct serve_options *o)
{
    while (!stopping)
        turn(-1);
    fprintf(stderr, "nv: stopping: no new requests, the rest has %g s\n", o->grace_s);
    http_quiesce();
    uint64_t end = now_ns() + (uint64_t)(o->grace_s * 1e9);
    stopping = false; /* a second signal does not wait */
    while (!pool_drain() && now_ns() < end && !stopping)
        turn(100);
}

/* --- options --- */
enum {
    O_LISTEN = 256,
    O_POOL,
    O_MAX,
    O_QUEUE,
    O_REUSE,
    O_CONCURRENCY,
    O_TIMEOUT,
    O_IDLE,
    O_GRACE,
    O_MEMORY,
    O_TRUST,
    O_SIGNATURE,
    O_PLATFORM,
    O_HELP
};

static const struct {
    struct option opt;
    const char *arg, *what;
} table[] = {
    {{"listen", required_argument, NULL, O_LISTEN},
     "ADDRESS:PORT",
     "where (default: 127.0.0.1:8080)"},
    {{"pool", required_argument, NULL, O_POOL},
     "N",
     "sandboxes kept ready a function (default: 2)"},
    {{"max", required_argument, NULL, O_MAX}, "N", "sandboxes at most a function (default: 64)"},
    {{"queue", required_argument, NULL, O_QUEUE},
     "N",
     "requests that may wait (default: 256), then 429"},
    {{"reuse", no_argument, NULL, O_REUSE}, "", "a sandbox serves request after request"},
    {{"concurrency", required_argument, NULL, O_CONCURRENCY},
     "N",
     "requests at once in a sandbox, which is reused (default: 1)"},
    {{"timeout", required_argument, NULL, O_TIMEOUT},
     "S",
     "seconds for a request (default: 30), then 504"},
    {{"idle", required_argument, NULL, O_IDLE},
     "S",
     "without requests for so long, none are kept (default: never)"},
    {{"grace", required_argument, NULL, O_GRACE},
     "S",
     "for requests under way at the end (default: 10)"},
    {{"memory", required_argument, NULL, O_MEMORY}, "SIZE", "limit of each sandbox, e.g. 512M"},
    {{"platform", required_argument, NULL, O_PLATFORM}, "NAME", "trap or ptrace"},
    {{"trust", no_argument, NULL, O_TRUST}, "", "do not check the images' digests"},
    {{"require-signature", required_argument, NULL, O_SIGNATURE},
     "KEY.pem",
     "images must be signed by its private key"},
    {{"help", no_argument, NULL, O_HELP}, "", "this text"},
};

static void help(void)
{
    printf("usage: nv serve [options] NAME=IMAGE...\n\n"
           "POST /NAME calls a function with the body as event; GET /metrics, /healthz\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s %s", table[i].opt.name, table[i].arg);
        printf("  %-30s %s\n", left, table[i].what);
    }
}

static int number(const char *name, const char *arg, double min, double max, double *out)
{
    char *end;

    *out = strtod(arg, &end);
    if (end == arg || *end || !(*out >= min) || *out > max)
        return usage_error("serve", "--%s %s: expected a number from %g to %g", name, arg, min,
                           max);
    return 0;
}

static int set_option(int c, const char *arg, struct serve_options *o)
{
    double v = 0;
    int err = 0;

    switch (c) {
    case O_LISTEN:
        o->listen = arg;
        return 0;
    case O_POOL:
        err = number("pool", arg, 0, 1024, &v);
        o->pool = (int)v;
        return err;
    case O_MAX:
        err = number("max", arg, 1, 1024, &v);
        o->max_instances = (int)v;
        return err;
    case O_QUEUE:
        err = number("queue", arg, 0, 1e6, &v);
        o->max_queue = (int)v;
        return err;
    case O_REUSE:
        o->reuse = true;
        return 0;
    case O_CONCURRENCY:
        err = number("concurrency", arg, 1, 1024, &v);
        o->concurrency = (int)v;
        o->reuse |= o->concurrency > 1;
        return err;
    case O_TIMEOUT:
        return number("timeout", arg, 0.001, 1e6, &o->timeout_s);
    case O_IDLE:
        return number("idle", arg, 0.001, 1e6, &o->idle_s);
    case O_GRACE:
        return number("grace", arg, 0, 1e6, &o->grace_s);
    case O_MEMORY:
        return options_size("serve", arg, &o->run.memory);
    case O_PLATFORM:
        o->run.platform = arg;
        return 0;
    case O_TRUST:
        o->run.trust = true;
        return 0;
    case O_SIGNATURE:
        o->run.signature = arg;
        return 0;
    default:
        return EXIT_USAGE;
    }
}

static int parse(int argc, char **argv, struct serve_options *o)
{
    struct option opts[ARRAY_SIZE(table) + 1] = {0};
    int c;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        opts[i] = table[i].opt;
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
        if (c == O_HELP) {
            help();
            return -1;
        }
        if (c == '?')
            return usage_error("serve", "unknown option or missing argument: %s", argv[optind - 1]);
        int err = set_option(c, optarg, o);
        if (err)
            return err;
    }
    return optind < argc ? 0 : usage_error("serve", "nothing to serve: NAME=IMAGE");
}

static bool plain_name(const char *s)
{
    return *s &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
               strlen(s) &&
           strcmp(s, "metrics") && strcmp(s, "healthz");
}

static int add_functions(int argc, char **argv, const struct serve_options *o, struct error *e)
{
    for (int i = optind; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals)
            *equals = 0;
        const char *image = equals ? equals + 1 : argv[i];
        if (!plain_name(argv[i]) || function_find(argv[i], strlen(argv[i])))
            return usage_error("serve", "'%s' is no name for a function, or is there twice",
                               argv[i]);
        if (function_add(argv[i], image, o, e))
            return EXIT_NV;
    }
    return 0;
}

static int serve(struct serve_options *o, int argc, char **argv, struct error *e)
{
    struct watch signals, http;

    platform = platform_find(o->run.platform, e);
    if (!platform)
        return EXIT_NV;
    int code = add_functions(argc, argv, o, e);
    if (code)
        return code;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        return error_set(e, -errno, "starting"), EXIT_NV;
    if (pool_init(o, e))
        return EXIT_NV;
    if (watch_signals(&signals))
        return error_set(e, -errno, "starting"), EXIT_NV;
    if (http_start(o->listen, &http, e) || watch_add(&http))
        return EXIT_NV;
    fprintf(stderr, "nv: serving on %s\n", o->listen);
    loop(o);
    pool_end();
    http_stop();
    return 0;
}

int verb_serve(int argc, char **argv)
{
    static struct serve_options o = {.listen = "127.0.0.1:8080",
                                     .pool = 2,
                                     .max_instances = 64,
                                     .max_queue = 256,
                                     .concurrency = 1,
                                     .timeout_s = 30,
                                     .grace_s = 10};
    struct error e = ERROR_INIT;

    o.run.verb = VERB_INVOKE;
    int code = parse(argc, argv, &o);
    if (code)
        return code < 0 ? 0 : code;
    code = serve(&o, argc, argv, &e);
    if (e.what)
        error_print(&e);
    error_free(&e);
    return code;
}
