/* See stat.h. Times are kept in buckets of a quarter of a power of two: 19 % wide. */
#include "sentry/kernel/stat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "platform/platform.h"
#include "sentry/kernel/syscall.h"

#define BUCKETS 160
#define GOFER_ROWS 64
#define ROWS (NV_NR_SYSCALLS + GOFER_ROWS) /* the gofer's messages come after the calls */

struct times {
    uint64_t count, total_ns;
    uint32_t bucket[BUCKETS];
};

bool stat_enabled;
struct stat_counters stats;
static struct times *calls;
static const char *gofer_names[GOFER_ROWS];

int stat_init(void)
{
    calls = calloc(ROWS, sizeof(*calls));
    stat_enabled = calls != NULL;
    return calls ? 0 : -1;
}

static unsigned int bucket_of(uint64_t ns)
{
    if (ns < 4)
        return 0;
    unsigned int log = 63 - (unsigned int)__builtin_clzll(ns);
    return MIN((log - 2) * 4 + (unsigned int)(ns >> (log - 2) & 3) + 1, BUCKETS - 1U);
}

/* The upper end of a bucket. */
static uint64_t bucket_ns(unsigned int b)
{
    unsigned int log = (b - 1) / 4 + 2;

    return b ? (5UL + (b - 1) % 4) << (log - 2) : 4;
}

static void add_time(struct times *t, uint64_t ns)
{
    t->count++;
    t->total_ns += ns;
    t->bucket[bucket_of(ns)]++;
}

void stat_call(long nr, uint64_t ns)
{
    if (nr >= 0 && nr < NV_NR_SYSCALLS)
        add_time(&calls[nr], ns);
}

void stat_gofer(unsigned int type, const char *name, uint64_t ns)
{
    if (type >= GOFER_ROWS)
        return;
    gofer_names[type] = name;
    add_time(&calls[NV_NR_SYSCALLS + type], ns);
}

static uint64_t percentile(const struct times *t, unsigned int percent)
{
    uint64_t seen = 0, want = (t->count * percent + 99) / 100;
    unsigned int b = 0;

    while (b < BUCKETS - 1 && (seen += t->bucket[b]) < want)
        b++;
    return bucket_ns(b);
}

static int by_time(const void *a, const void *b)
{
    const struct times *x = &calls[*(const int *)a], *y = &calls[*(const int *)b];

    return x->total_ns < y->total_ns ? 1 : x->total_ns > y->total_ns ? -1 : 0;
}

/* Those of rows [from, to) that were used, what took longest in all first. */
static int used_rows(int order[ROWS], int from, int to)
{
    int n = 0;

    for (int i = from; calls && i < to; i++)
        if (calls[i].count)
            order[n++] = i;
    if (n)
        qsort(order, (size_t)n, sizeof(order[0]), by_time);
    return n;
}

static const char *row_name(int i)
{
    const struct syscall_row *row = syscall_row(i);

    return i >= NV_NR_SYSCALLS ? gofer_names[i - NV_NR_SYSCALLS] : row ? row->name : "?";
}

/* --- what the processes have used --- */
struct usage {
    double user_s, system_s;
    long minor, major; /* page faults */
};

static struct usage usage_of(int who)
{
    struct rusage r = {0};

    getrusage(who, &r);
    return (struct usage){(double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6,
                          (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec / 1e6, r.ru_minflt,
                          r.ru_majflt};
}

/* The host counts what a process has used for its parent when it is reaped. */
static void end_stubs(void)
{
    if (getpid() != 1)
        return;
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
}

/* --- the two forms --- */
static void put_text(struct strbuf *b, const struct platform_counts *p)
{
    const struct usage self = usage_of(RUSAGE_SELF), stubs = usage_of(RUSAGE_CHILDREN);
    int order[ROWS], n = used_rows(order, 0, ROWS);
    unsigned long to_gofer = 0;

    strbuf_printf(b, "nv: stat: %-20s %10s %12s %10s %10s\n", "call", "count", "total us", "p50 ns",
                  "p99 ns");
    for (int i = 0; i < n; i++) {
        const struct times *c = &calls[order[i]];
        bool is_gofer = order[i] >= NV_NR_SYSCALLS;
        char name[40];

        snprintf(name, sizeof(name), "%s%s", is_gofer ? "gofer " : "", row_name(order[i]));
        to_gofer += is_gofer ? c->count : 0;
        strbuf_printf(b, "nv: stat: %-20s %10lu %12.1f %10lu %10lu\n", name, c->count,
                      (double)c->total_ns / 1000, percentile(c, 50), percentile(c, 99));
    }
    strbuf_printf(b,
                  "nv: stat: %lu calls by thunks, %lu by traps; %lu more served in the stubs, as "
                  "they count\n",
                  stats.fast, stats.trapped, p->served);
    if (platform->counts)
        strbuf_printf(
            b,
            "nv: stat: answers to a stub that looked for them %lu, that slept %lu; events "
            "for a sentry that looked %lu, that slept %lu\n",
            p->answers - p->woken, p->woken, p->events - p->rung, p->rung);
    strbuf_printf(b, "nv: stat: the sentry slept %lu times; %lu gofer calls\n", stats.sleeps,
                  to_gofer);
    strbuf_printf(b, "nv: stat: page faults of the guest: %ld minor, %ld major\n", stubs.minor,
                  stubs.major);
    strbuf_printf(b,
                  "nv: stat: CPU of the sentry %.3f s user, %.3f s system; of the guest %.3f s "
                  "user, %.3f s system\n",
                  self.user_s, self.system_s, stubs.user_s, stubs.system_s);
}

static void put_rows(struct strbuf *b, const char *what, int from, int to)
{
    int order[ROWS], n = used_rows(order, from, to);

    strbuf_printf(b, "\"%s\": [", what);
    for (int i = 0; i < n; i++) {
        const struct times *t = &calls[order[i]];
        strbuf_printf(b,
                      "%s{\"name\": \"%s\", \"count\": %lu, \"total_ns\": %lu, \"p50_ns\": %lu, "
                      "\"p99_ns\": %lu}",
                      i ? ", " : "", row_name(order[i]), t->count, t->total_ns, percentile(t, 50),
                      percentile(t, 99));
    }
    strbuf_puts(b, "], ");
}

/* Without the brace at the end: the CLI adds what it knows. */
static void put_json(struct strbuf *b, const struct platform_counts *p)
{
    const struct usage self = usage_of(RUSAGE_SELF), stubs = usage_of(RUSAGE_CHILDREN);

    strbuf_puts(b, "{");
    put_rows(b, "calls", 0, NV_NR_SYSCALLS);
    put_rows(b, "gofer", NV_NR_SYSCALLS, ROWS);
    strbuf_printf(b, "\"ways\": {\"thunk\": %lu, \"trap\": %lu, \"stub_says\": %lu}", stats.fast,
                  stats.trapped, p->served);
    if (platform->counts)
        strbuf_printf(b,
                      ", \"handoffs\": {\"stub_looked\": %lu, \"stub_slept\": %lu, "
                      "\"sentry_looked\": %lu, \"sentry_slept\": %lu}",
                      p->answers - p->woken, p->woken, p->events - p->rung, p->rung);
    strbuf_printf(b, ", \"sentry_sleeps\": %lu, \"guest_faults\": {\"minor\": %ld, \"major\": %ld}",
                  stats.sleeps, stubs.minor, stubs.major);
    strbuf_printf(b,
                  ", \"cpu_s\": {\"sentry_user\": %.6f, \"sentry_system\": %.6f, "
                  "\"guest_user\": %.6f, \"guest_system\": %.6f}",
                  self.user_s, self.system_s, stubs.user_s, stubs.system_s);
}

void stat_print(int fd, bool json)
{
    struct platform_counts p = {0};
    cleanup_strbuf struct strbuf b = STRBUF_INIT;
    size_t done = 0;

    if (platform->counts)
        platform->counts(&p);
    end_stubs();
    if (json)
        put_json(&b, &p);
    else
        put_text(&b, &p);
    while (done < b.len) {
        ssize_t n = write(fd, b.data + done, b.len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
}
