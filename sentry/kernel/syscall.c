/* Dispatch by the table made of sentry/syscalls.def; hooks of strace and --explain. */
#include "sentry/kernel/syscall.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/explain.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/strace/strace.h"

static const struct syscall_row table[NV_NR_SYSCALLS] = {
#define SYS(nr, name, handler, flags, ...) [nr] = {#name, handler, flags, 0, NULL},
#define REFUSED(nr, name, err, why, ...) [nr] = {#name, NULL, 0, err, why},
#include "sentry/syscalls.def"
#undef SYS
};

const struct syscall_row *syscall_row(long nr)
{
    if (nr < 0 || nr >= NV_NR_SYSCALLS || !table[nr].name)
        return NULL;
    return &table[nr];
}

static long unimplemented(const struct sysargs *a)
{
    const struct syscall_row *row = syscall_row(a->nr);

    if (row)
        explain_missing("syscall", "%s", row->name);
    else
        explain_missing("syscall", "%ld", a->nr);
    return row && row->refused ? -row->refused : -ENOSYS;
}

long syscall_dispatch(struct task *t, const struct sysargs *a)
{
    syscall_fn *fn = a->nr >= 0 && a->nr < NV_NR_SYSCALLS ? table[a->nr].handler : NULL;

    t->nsyscalls++;
    if (likely(!strace_enabled))
        return fn ? fn(t, a) : unimplemented(a);
    strace_enter(t, a);
    long ret = fn ? fn(t, a) : unimplemented(a);
    strace_exit(t, a, ret);
    return ret;
}

/* --- what the guest asked for and did not get --- */
#define EXPLAIN_MAX 1024

struct explained {
    char kind[16], text[112];
    unsigned long count;
};

static struct explained *explained;
static int nexplained;

void explain_missing(const char *kind, const char *fmt, ...)
{
    char text[sizeof(explained->text)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (int i = 0; i < nexplained; i++)
        if (!strcmp(explained[i].kind, kind) && !strcmp(explained[i].text, text)) {
            explained[i].count++;
            return;
        }
    if (!explained)
        explained = calloc(EXPLAIN_MAX, sizeof(*explained));
    if (!explained || nexplained == EXPLAIN_MAX)
        return;
    struct explained *e = &explained[nexplained++];
    snprintf(e->kind, sizeof(e->kind), "%s", kind);
    memcpy(e->text, text, sizeof(text));
    e->count = 1;
}

static int by_count(const void *a, const void *b)
{
    const struct explained *x = a, *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

/* Call sites that keep trapping, which costs some microseconds a call. */
static void explain_sites(int fd)
{
    unsigned long count, refused = 0;
    const char *why;

    for (int i = 0; mm_sites_refused(i, &count); i++)
        refused += count;
    dprintf(fd, "nv: explain: %lu call sites have a thunk, %lu cannot have one\n",
            mm_sites_patched(), refused);
    for (int i = 0; (why = mm_sites_refused(i, &count)); i++)
        dprintf(fd, "nv: explain: %8lu  %-10s %s\n", count, "call site", why);
}

void explain_print(int fd)
{
    if (explained)
        qsort(explained, (size_t)nexplained, sizeof(*explained), by_count);
    if (platform->patch)
        explain_sites(fd);
    dprintf(fd, "nv: explain: %d kinds of requests were not served\n", nexplained);
    for (int i = 0; explained && i < nexplained; i++)
        dprintf(fd, "nv: explain: %8lu  %-10s %s\n", explained[i].count, explained[i].kind,
                explained[i].text);
}
