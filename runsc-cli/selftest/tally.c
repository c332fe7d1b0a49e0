/* What the processes under test tell: attempts counted, facts listed. */
#include <stdarg.h>
#include <stdio.h>

#include "runsc-cli/selftest/selftest.h"

struct selftest *selftest;
struct selftest_round selftest_round;

void tally_add(enum position p, const struct attempt *a, bool refused, const char *how)
{
    struct tally *t = &selftest->tally[p];
    char name[80];

    t->tried++;
    t->refused += refused;
    if (refused)
        return;
    if (t->npassed < PASSED_MAX)
        snprintf(t->passed[t->npassed], TEXT_MAX, "%s: %s", attempt_name(a, name, sizeof(name)),
                 how);
    t->npassed++;
}

void fact_add(const char *who, bool holds, const char *what, const char *fmt, ...)
{
    unsigned int i = __atomic_fetch_add(&selftest->nfacts, 1, __ATOMIC_RELAXED);
    va_list ap;

    if (i >= FACTS_MAX)
        return;
    struct fact *f = &selftest->facts[i];
    snprintf(f->who, sizeof(f->who), "%s", who);
    snprintf(f->what, sizeof(f->what), "%s", what);
    va_start(ap, fmt);
    vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
    va_end(ap);
    f->holds = holds;
}
