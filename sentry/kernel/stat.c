/* See stat.h. Times are kept in buckets of a quarter of a power of two: 19 % wide. */
#include "sentry/kernel/stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "platform/platform.h"
#include "sentry/kernel/syscall.h"

#define BUCKETS 160

#define GOFER_ROWS 64
#define ROWS (NV_NR_SYSCALLS + GOFER_ROWS) /* the gofer's messages come after the calls */

struct call_stat {
    uint64_t count, total_ns;
    uint32_t bucket[BUCKETS];
};

bool stat_enabled;
struct stat_counters stats;
static struct call_stat *calls;
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

static void count(struct call_stat *c, uint64_t ns)
{
    c->count++;
    c->total_ns += ns;
    c->bucket[bucket_of(ns)]++;
}

void stat_call(long nr, uint64_t ns)
{
    if (nr >= 0 && nr < NV_NR_SYSCALLS)
        count(&calls[nr], ns);
}

void stat_gofer(unsigned int type, const char *name, uint64_t ns)
{
    stats.gofer_calls++;
    if (type >= GOFER_ROWS)
        return;
    gofer_names[type] = name;
    count(&calls[NV_NR_SYSCALLS + type], ns);
}

static const char *row_name(int i, char buf[32])
{
    if (i >= NV_NR_SYSCALLS) {
        snprintf(buf, 32, "gofer %s", gofer_names[i - NV_NR_SYSCALLS]);
        return buf;
    }
    const struct syscall_row *row = syscall_row(i);
    return row ? row->name : "?";
}

static uint64_t percentile(const struct call_stat *c, unsigned int percent)
{
    uint64_t seen = 0, want = (c->count * percent + 99) / 100;
    unsigned int b = 0;

    while (b < BUCKETS - 1 && (seen += c->bucket[b]) < want)
        b++;
    return bucket_ns(b);
}

static int by_time(const void *a, const void *b)
{
    const struct call_stat *x = &calls[*(const int *)a], *y = &calls[*(const int *)b];

    return x->total_ns < y->total_ns ? 1 : x->total_ns > y->total_ns ? -1 : 0;
}

void stat_print(int fd)
{
    int order[ROWS], n = 0;
    struct rusage self, stubs;
    char buf[32];

    for (int nr = 0; calls && nr < ROWS; nr++)
        if (calls[nr].count)
            order[n++] = nr;
    qsort(order, (size_t)n, sizeof(order[0]), by_time);
    dprintf(fd, "nv: stat: %-20s %10s %12s %10s %10s\n", "call", "count", "total us", "p50 ns",
            "p99 ns");
    for (int i = 0; i < n; i++) {
        const struct call_stat *c = &calls[order[i]];
        dprintf(fd, "nv: stat: %-20s %10lu %12.1f %10lu %10lu\n", row_name(order[i], buf), c->count,
                (double)c->total_ns / 1000, percentile(c, 50), percentile(c, 99));
    }
    dprintf(fd,
            "nv: stat: %lu calls by thunks, %lu by traps; the sentry slept %lu times; %lu gofer "
            "calls\n",
            stats.fast, stats.trapped, stats.sleeps, stats.gofer_calls);
    if (!getrusage(RUSAGE_SELF, &self) && !getrusage(RUSAGE_CHILDREN, &stubs))
        dprintf(
            fd,
            "nv: stat: sentry %ld.%03ld s user, %ld.%03ld s system; page faults: %ld sentry, %ld "
            "ended processes\n",
            self.ru_utime.tv_sec, self.ru_utime.tv_usec / 1000, self.ru_stime.tv_sec,
            self.ru_stime.tv_usec / 1000, self.ru_minflt, stubs.ru_minflt);
}
