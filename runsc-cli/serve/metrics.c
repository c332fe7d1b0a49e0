/* GET /metrics: what Prometheus reads. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "runsc-cli/serve/serve.h"

/* Upper ends in seconds. */
static const double bounds[BUCKETS] = {0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01,
                                       0.02,  0.05,  0.1,   0.25,  0.5,   1,      5};

void histogram_add(struct histogram *h, uint64_t ns)
{
    double s = (double)ns / 1e9;
    int i = 0;

    while (i < BUCKETS && s > bounds[i])
        i++;
    h->bucket[i]++;
    h->count++;
    h->sum += s;
}

static void print_histogram(struct strbuf *out, const char *metric, const struct function *fn,
                            const struct histogram *h)
{
    uint64_t below = 0;

    for (int i = 0; i < BUCKETS; i++) {
        below += h->bucket[i];
        strbuf_printf(out, "%s_bucket{function=\"%s\",le=\"%g\"} %lu\n", metric, fn->name,
                      bounds[i], (unsigned long)below);
    }
    strbuf_printf(out, "%s_bucket{function=\"%s\",le=\"+Inf\"} %lu\n", metric, fn->name,
                  (unsigned long)h->count);
    strbuf_printf(out, "%s_sum{function=\"%s\"} %.6f\n%s_count{function=\"%s\"} %lu\n", metric,
                  fn->name, h->sum, metric, fn->name, (unsigned long)h->count);
}

static void head(struct strbuf *out, const char *metric, const char *type, const char *help)
{
    strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

/* --- memory --- */
static uint64_t private_bytes(pid_t pid)
{
    char path[64], line[256];
    unsigned long kb, sum = 0;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    cleanup_file_stream FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Private_Clean: %lu", &kb) == 1 ||
            sscanf(line, "Private_Dirty: %lu", &kb) == 1)
            sum += kb;
    return (uint64_t)sum * 1024;
}

/* Stubs are the sentry's children. */
uint64_t instance_memory(const struct instance *i)
{
    uint64_t sum = private_bytes(i->s.sp.sentry) + private_bytes(i->s.sp.gofer);
    char path[64];
    int pid;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", i->s.sp.sentry, i->s.sp.sentry);
    cleanup_file_stream FILE *f = fopen(path, "re");
    while (f && fscanf(f, "%d", &pid) == 1)
        sum += private_bytes(pid);
    return sum;
}

static void print_memory(struct strbuf *out)
{
    const struct function *fn;
    const struct instance *i;

    head(out, "nv_memory_bytes", "gauge", "Memory that is the sandboxes' own.");
    list_for_each(fn, &functions, node) {
        uint64_t sum = 0;
        list_for_each(i, &fn->instances, node)
            sum += instance_memory(i);
        strbuf_printf(out, "nv_memory_bytes{function=\"%s\"} %lu\n", fn->name, (unsigned long)sum);
    }
}

void metrics_print(struct strbuf *out)
{
    static const char *const states[] = {"starting", "ready", "busy"};
    const struct function *fn;

    head(out, "nv_starts_total", "counter", "Sandboxes that were started.");
    list_for_each(fn, &functions, node)
        strbuf_printf(out, "nv_starts_total{function=\"%s\"} %lu\n", fn->name,
                      (unsigned long)fn->starts);
    head(out, "nv_start_failures_total", "counter", "Sandboxes that did not get ready.");
    list_for_each(fn, &functions, node)
        strbuf_printf(out, "nv_start_failures_total{function=\"%s\"} %lu\n", fn->name,
                      (unsigned long)fn->start_failures);
    head(out, "nv_requests_total", "counter", "Requests by the first digit of their status.");
    list_for_each(fn, &functions, node) {
        for (int d = 2; d < 6; d++)
            strbuf_printf(out, "nv_requests_total{function=\"%s\",code=\"%dxx\"} %lu\n", fn->name,
                          d, (unsigned long)fn->answers[d]);
    }
    head(out, "nv_sandboxes", "gauge", "Sandboxes by what they do.");
    list_for_each(fn, &functions, node) {
        for (size_t k = 0; k < ARRAY_SIZE(states); k++)
            strbuf_printf(out, "nv_sandboxes{function=\"%s\",state=\"%s\"} %d\n", fn->name,
                          states[k], fn->count[k]);
    }
    head(out, "nv_in_flight", "gauge", "Requests that sandboxes work on.");
    list_for_each(fn, &functions, node)
        strbuf_printf(out, "nv_in_flight{function=\"%s\"} %d\n", fn->name, fn->in_flight);
    head(out, "nv_queued", "gauge", "Requests that wait for a sandbox.");
    list_for_each(fn, &functions, node)
        strbuf_printf(out, "nv_queued{function=\"%s\"} %d\n", fn->name, fn->queued);
    head(out, "nv_restore_seconds", "histogram", "From a sandbox's start until it is ready.");
    list_for_each(fn, &functions, node)
        print_histogram(out, "nv_restore_seconds", fn, &fn->restore);
    head(out, "nv_request_seconds", "histogram", "From a request's arrival to its answer.");
    list_for_each(fn, &functions, node)
        print_histogram(out, "nv_request_seconds", fn, &fn->request);
    print_memory(out);
}
