/* See timeline.h. */
#include "base/timeline.h"

#include <ctype.h>
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

uint64_t *timeline;

static uint64_t started_ns;

static const struct {
    const char *name, *who, *what;
} phases[] = {
#define PHASE(name, who, what) {#name, who, what},
#include "base/phases.def"
#undef PHASE
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void timeline_record(enum phase p)
{
    if (!timeline[p])
        timeline[p] = clock_ns(CLOCK_MONOTONIC);
}

int timeline_start(uint64_t main_ns)
{
    void *p = mmap(NULL, NPHASES * sizeof(*timeline), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    timeline = p;
    timeline[PHASE_MAIN] = main_ns;
    started_ns = clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    return 0;
}

void timeline_print(FILE *out, bool json)
{
    const char *sep = "{";

    if (!timeline)
        return;
    timeline_record(PHASE_TOTAL);
    for (int i = 0; i < NPHASES; i++) {
        double ms = (double)(int64_t)(timeline[i] - started_ns) / 1e6;
        if (!timeline[i])
            continue;
        if (json) {
            fprintf(out, "%s\"", sep);
            for (const char *c = phases[i].name; *c; c++)
                fputc(tolower(*c), out);
            fprintf(out, "_ms\":%.3f", ms);
            sep = ",";
        } else {
            fprintf(out, "nv: timing: %8.3f ms  %-6s  %s\n", ms, phases[i].who, phases[i].what);
        }
    }
    if (json)
        fprintf(out, "}\n");
}
