/* nv ps and nv kill: the sandboxes of this user that are running. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/registry.h"
#include "runsc-cli/text.h"

struct listing {
    json_t *all;
};

static void collect(void *arg, const json_t *state)
{
    json_array_append(((struct listing *)arg)->all, (json_t *)(uintptr_t)state);
}

static void print_age(json_int_t started)
{
    json_int_t s = time(NULL) - started;

    if (s < 0 || !started)
        printf("%8s", "?");
    else if (s < 100)
        printf("%7llds", s);
    else if (s < 6000)
        printf("%7lldm", s / 60);
    else
        printf("%7lldh", s / 3600);
}

static void print_state(const json_t *state)
{
    const json_t *command = json_object_get(state, "command"), *arg;
    size_t i;

    printf("%-20s %7lld ", text_safe(json_string_value(json_object_get(state, "id"))),
           json_integer_value(json_object_get(state, "pid")));
    print_age(json_integer_value(json_object_get(state, "started_s")));
    json_array_foreach(command, i, arg)
        printf("%s%s", i ? " " : "  ", text_safe(json_string_value(arg)));
    printf("\n");
}

int verb_ps(int argc, char **argv)
{
    bool json = argc == 2 && !strcmp(argv[1], "--json");
    struct error e = ERROR_INIT;
    const json_t *state;
    size_t i;

    if (argc > 2 || (argc == 2 && !json))
        return usage_error("ps", "unexpected argument '%s'", argv[1]);
    struct listing l = {json_array()};
    if (registry_list(collect, &l, &e)) {
        error_print(&e);
        return EXIT_NV;
    }
    if (json) {
        json_dumpf(l.all, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        printf("%-20s %7s %8s  COMMAND\n", "ID", "PID", "AGE");
        json_array_foreach(l.all, i, state) print_state(state);
    }
    json_decref(l.all);
    return 0;
}

static int signal_number(const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);

    if (end != s && !*end)
        return n > 0 && n < NSIG ? (int)n : -EINVAL;
    if (!strncmp(s, "SIG", 3))
        s += 3;
    for (int i = 1; i < NSIG; i++) {
        const char *name = sigabbrev_np(i);
        if (name && !strcmp(name, s))
            return i;
    }
    return -EINVAL;
}

int verb_kill(int argc, char **argv)
{
    struct error e = ERROR_INIT;

    if (argc < 2 || argc > 3)
        return usage_error("kill", "expected ID and perhaps a signal");
    int sig = argc == 3 ? signal_number(argv[2]) : SIGTERM;
    if (sig < 0)
        return usage_error("kill", "'%s' is no signal", argv[2]);
    cleanup_close int conn = registry_connect(argv[1], &e);
    json_t *args = json_pack("{s:i}", "signal", sig), *answer = NULL;
    if (conn >= 0)
        answer = registry_call(conn, "kill", args, NULL, 0, &e);
    json_decref(args);
    if (!answer) {
        error_print(&e);
        return 1;
    }
    json_decref(answer);
    return 0;
}
