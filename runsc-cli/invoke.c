/*
 * nv invoke: a request to a fresh sandbox of an image, its answer on standard output. nv restore:
 * the saved program goes on, with our streams.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "base/timeline.h"
#include "platform/platform.h"
#include "runsc-cli/baseline.h"
#include "runsc-cli/checkpoint.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/function.h"
#include "runsc-cli/invoke.h"
#include "runsc-cli/net_ahead.h"
#include "runsc-cli/request.h"
#include "runsc-cli/supervise.h"
#include "runsc-cli/warm.h"
#include "sentry/kernel/loop.h"

static int start(struct session *s, struct image *img, const struct run_options *o,
                 const struct strbuf *request, struct error *e)
{
    int code =
        restore_fill(s, img, o, request ? request->data : NULL, request ? request->len : 0, e);
    return code ? code : session_begin(s, o, o->memory ? o->memory : img->manifest.memory, e);
}

/* One request to one clone: the exit code. */
static int invoke_once(struct image *img, const struct run_options *o, const struct strbuf *request)
{
    struct answer a = {.code = -1};
    struct session s = {.signals = -1, .message = answer_received, .arg = &a};
    cleanup_error struct error e = ERROR_INIT;

    int code = start(&s, img, o, request, &e);
    if (code) {
        error_print(&e);
        return code;
    }
    session_run(&s);
    if (a.code >= 0)
        answer_print(&a);
    session_end(&s);
    code = a.code >= 0 ? a.code : session_exit_code(&s);
    session_close_streams(&s);
    restore_release(&s);
    answer_free(&a);
    return code;
}

static bool plain(const struct run_options *o)
{
    return !o->cold && !o->rootfs && !o->nmounts && !o->user && !o->strace_on && !o->explain &&
           !o->io_uring && !o->stat && !o->output && !o->id && !o->checkpoint_every &&
           o->patch == PATCH_AUTO;
}

int invoke_function(const struct run_options *o, const char *name)
{
    struct spawn host = {.rootfs = "/", .spec = {.uid = getuid(), .gid = getgid()}};
    cleanup_free char *file = realpath(name, NULL),
                      *cwd = o->cwd ? strdup(o->cwd) : getcwd(NULL, 0);
    cleanup_strbuf struct strbuf event = STRBUF_INIT, request = STRBUF_INIT;
    cleanup_error struct error e = ERROR_INIT;
    struct image img;
    int code = -1;

    if (!plain(o) || !file || !cwd || image_open(&img, WARM_RUNTIME, IMAGE_MAP, NULL, &e))
        return -1;
    if (warm_usable(&img, &host) && baseline_is(&img.manifest, o->cpu)) {
        code = function_event(o->event, &event, &e);
        if (!code) {
            request_format_function(&request, o, event.data, file, cwd);
            code = invoke_once(&img, o, &request);
        } else {
            error_print(&e);
        }
    }
    image_close(&img);
    return code;
}

/* What one call to a clone touches: malloc'ed into *wset. */
static int record_call(struct image *img, const struct run_options *o, const struct strbuf *request,
                       void **wset, size_t *len, struct error *e)
{
    struct answer a = {.code = -1};
    struct session s = {.signals = -1, .message = answer_received, .arg = &a};
    int err;

    if (start(&s, img, o, request, e)) {
        err = e->code ? e->code : -EIO;
    } else {
        session_run(&s);
        if (a.code >= 0)
            err = checkpoint_wset(&s, wset, len, e);
        else
            err = error_set(e, -EPIPE, "%s ended before it answered", img->path);
        session_end(&s);
    }
    session_close_streams(&s);
    restore_release(&s);
    answer_free(&a);
    return err;
}

/*
 * Two calls: in one a garbage collection or a compiler's thread may have been at work, which
 * touches ten times as much as the call. The smaller set is what each call needs.
 */
int invoke_record(const char *name, const struct run_options *o, const char *event, struct error *e)
{
    cleanup_strbuf struct strbuf request = STRBUF_INIT;
    cleanup_free void *best = NULL;
    struct image img;
    size_t best_len = 0;

    int err = image_open(&img, name, IMAGE_MAP | (o->trust ? IMAGE_TRUST : 0), NULL, e);
    if (err)
        return err;
    if (img.fd[IMAGE_WSET] >= 0)
        close(img.fd[IMAGE_WSET]);
    img.fd[IMAGE_WSET] = -1; /* what it would put in place is not what is needed */
    request_format(&request, o, event);
    for (int i = 0; i < 2 && !err; i++) {
        void *wset = NULL;
        size_t len = 0;
        err = record_call(&img, o, &request, &wset, &len, e);
        if (!best || (!err && len < best_len)) {
            free(best);
            best = wset;
            best_len = len;
        } else {
            free(wset);
        }
    }
    if (!err)
        err = image_set_wset(name, best, best_len, e);
    image_close(&img);
    return err;
}

/* --- --count and --parallel --- */
struct tally { /* shared with the processes that make the calls */
    uint64_t ns;
    int code;
};

static int by_ns(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;

    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static void call_some(struct image *img, const struct run_options *o, const struct strbuf *request,
                      struct tally *t, int worker)
{
    for (int i = worker; i < o->count; i += o->parallel) {
        uint64_t begin = now_ns();
        t[i].code = invoke_once(img, o, request);
        t[i].ns = now_ns() - begin;
    }
}

static int report(struct tally *t, int n, uint64_t total_ns)
{
    int failed = 0, median = (n - 1) / 2, p99 = (n - 1) * 99 / 100;

    for (int i = 0; i < n; i++)
        failed += t[i].code != 0;
    qsort(t, (size_t)n, sizeof(*t), by_ns);
    fprintf(stderr,
            "nv: %d calls in %.1f ms, %.1f per second; each %.2f ms (median), %.2f ms (p99), %.2f "
            "ms (slowest); %d failed\n",
            n, (double)total_ns / 1e6, n / ((double)total_ns / 1e9), (double)t[median].ns / 1e6,
            (double)t[p99].ns / 1e6, (double)t[n - 1].ns / 1e6, failed);
    return failed ? 1 : 0;
}

static int invoke_many(struct image *img, const struct run_options *o, const struct strbuf *request)
{
    size_t size = sizeof(struct tally) * (size_t)o->count;
    struct tally *t = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t begin = now_ns();

    if (t == MAP_FAILED)
        return EXIT_NV;
    net_ahead_drop();
    fflush(NULL);
    for (int i = 0; i < o->parallel; i++) {
        pid_t pid = fork();
        if (pid < 0)
            fprintf(stderr, "nv: starting caller %d: %s\n", i, strerror(errno));
        if (pid == 0) {
            call_some(img, o, request, t, i);
            fflush(NULL);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    int code = report(t, o->count, now_ns() - begin);
    munmap(t, size);
    return code;
}

/* --- the verbs --- */
static int prepare(enum option_verb verb, int argc, char **argv, struct run_options *o,
                   struct image *img)
{
    cleanup_error struct error e = ERROR_INIT;
    uint64_t main_ns = now_ns();

    net_ahead_begin();
    int code = options_parse(verb, argc, argv, o);
    if (code)
        return code;
    if (o->timing && timeline_start(main_ns))
        fprintf(stderr, "nv: --timing: no memory\n");
    platform = platform_find(o->platform, &e);
    if (!platform || image_open(img, argv[o->first_arg], IMAGE_MAP | (o->trust ? IMAGE_TRUST : 0),
                                o->signature, &e)) {
        error_print(&e);
        return EXIT_NV;
    }
    return 0;
}

int verb_invoke(int argc, char **argv)
{
    struct run_options o = {0};
    struct image img;
    cleanup_strbuf struct strbuf event = STRBUF_INIT, request = STRBUF_INIT;
    cleanup_error struct error e = ERROR_INIT;

    int code = prepare(VERB_INVOKE, argc, argv, &o, &img);
    if (code)
        return code < 0 ? 0 : code;
    code = function_event(o.event, &event, &e);
    if (code) {
        error_print(&e);
        image_close(&img);
        return code;
    }
    request_format(&request, &o, event.data);
    code = o.count > 1 ? invoke_many(&img, &o, &request) : invoke_once(&img, &o, &request);
    image_close(&img);
    timeline_print(stderr, o.timing_json);
    return code;
}

int verb_restore(int argc, char **argv)
{
    struct run_options o = {0};
    struct session s = {.signals = -1};
    struct image img;
    cleanup_error struct error e = ERROR_INIT;

    int code = prepare(VERB_RESTORE, argc, argv, &o, &img);
    if (code)
        return code < 0 ? 0 : code;
    code = restore_fill(&s, &img, &o, NULL, 0, &e);
    if (!code)
        code = supervise(&s, &o, o.memory ? o.memory : img.manifest.memory, &e);
    if (code) {
        error_print(&e);
    } else {
        code = session_exit_code(&s);
        timeline_print(stderr, o.timing_json);
    }
    image_close(&img);
    return code;
}
