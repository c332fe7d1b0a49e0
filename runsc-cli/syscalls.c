/* nv syscalls: the support table, from syscalls.def, and what was tested of it (verified.def). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runsc-cli/cli.h"
#include "sentry/kernel/syscall.h"

struct verified {
    const char *name;
    int cases, differ, programs, programs_differ;
};

static const struct verified results[] = {
#define VERIFIED(name, ...) {#name, __VA_ARGS__},
#include "runsc-cli/verified.def"
#undef VERIFIED
};

static const struct verified *verified_find(const char *name)
{
    static const struct verified none;

    for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
        if (!strcmp(results[i].name, name))
            return &results[i];
    return &none;
}

static const char *status(const struct syscall_row *row, char buf[64])
{
    if (row->handler)
        return "served";
    if (!row->refused)
        return "ENOSYS";
    snprintf(buf, 64, "refused: %s", strerrorname_np(row->refused));
    return buf;
}

static void print_json(long nr, const struct syscall_row *row, bool verified)
{
    const struct verified *v = verified_find(row->name);

    printf("{\"nr\":%ld,\"name\":\"%s\",\"served\":%s", nr, row->name,
           row->handler ? "true" : "false");
    if (!row->handler)
        printf(",\"errno\":\"%s\"", strerrorname_np(row->refused ? row->refused : ENOSYS));
    if (row->refused)
        printf(",\"reason\":\"%s\"", row->why);
    if (verified)
        printf(",\"cases\":{\"tested\":%d,\"agree\":%d,\"differ\":%d}"
               ",\"programs\":{\"tested\":%d,\"agree\":%d,\"differ\":%d}",
               v->cases, v->cases - v->differ, v->differ, v->programs,
               v->programs - v->programs_differ, v->programs_differ);
    printf("}");
}

static void print_row(long nr, const struct syscall_row *row, bool verified)
{
    const struct verified *v = verified_find(row->name);
    char buf[64];

    printf("%4ld  %-24s %-20s", nr, row->name, status(row, buf));
    if (verified && (v->cases || v->programs))
        printf(" %6d %6d %7d %9d", v->cases + v->programs,
               v->cases + v->programs - v->differ - v->programs_differ,
               v->differ + v->programs_differ, v->programs);
    else if (verified)
        printf(" %6s %6s %7s %9s", "-", "-", "-", "-");
    printf("%s%s\n", row->refused ? "  " : "", row->refused ? row->why : "");
}

static void print_summary(bool verified)
{
    int served = 0, refused = 0, missing = 0, tested = 0, differ = 0;

    for (long nr = 0; nr < NV_NR_SYSCALLS; nr++) {
        const struct syscall_row *row = syscall_row(nr);
        if (!row)
            continue;
        const struct verified *v = verified_find(row->name);
        served += row->handler != NULL;
        refused += row->refused != 0;
        missing += !row->handler && !row->refused;
        tested += row->handler && (v->cases || v->programs);
        differ += row->handler && (v->differ || v->programs_differ);
    }
    printf("%d of %d system calls are served, %d are refused as Linux may refuse them, %d are not "
           "there (ENOSYS)\n",
           served, served + refused + missing, refused, missing);
    if (verified)
        printf("%d served ones were compared with Linux %s (runs: %s); in %d of them some case "
               "differs in a known way\n",
               tested, VERIFIED_KERNEL, VERIFIED_RUNS, differ);
}

int verb_syscalls(int argc, char **argv)
{
    bool json = false, verified = false, first = true;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            json = true;
        else if (!strcmp(argv[i], "--verified"))
            verified = true;
        else
            return usage_error("syscalls", "unexpected argument '%s'", argv[i]);
    }
    if (json)
        printf("[");
    else if (verified)
        printf("%4s  %-24s %-20s %6s %6s %7s %9s\n", "nr", "name", "", "tested", "agrees",
               "differs", "programs");
    for (long nr = 0; nr < NV_NR_SYSCALLS; nr++) {
        const struct syscall_row *row = syscall_row(nr);
        if (!row)
            continue;
        if (json) {
            printf("%s\n", first ? "" : ",");
            print_json(nr, row, verified);
        } else {
            print_row(nr, row, verified);
        }
        first = false;
    }
    if (json)
        printf("\n]\n");
    else
        print_summary(verified);
    return 0;
}
