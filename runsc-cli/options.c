/* See options.h. */
#include "runsc-cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runsc-cli/cli.h"

enum {
    O_ROOTFS = 256,
    O_MOUNT,
    O_ENV,
    O_CWD,
    O_USER,
    O_MEMORY,
    O_CPUS,
    O_TIMEOUT,
    O_PLATFORM,
    O_STRACE,
    O_EXPLAIN,
    O_TIMING,
    O_EVENT,
    O_HOSTNAME,
    O_ID,
    O_PATCH,
    O_NO_PATCH,
    O_STAT,
    O_HELP
};

static const struct {
    struct option opt;
    const char *arg, *what;
} options[] = {
    {{"rootfs", required_argument, NULL, O_ROOTFS},
     "DIR",
     "root directory (default: the host's /)"},
    {{"mount", required_argument, NULL, O_MOUNT}, "SRC:DST[:ro]", "make a host directory visible"},
    {{"env", required_argument, NULL, O_ENV}, "NAME[=VALUE]", "set, or pass on, a variable"},
    {{"cwd", required_argument, NULL, O_CWD},
     "DIR",
     "working directory (default: the current one)"},
    {{"user", required_argument, NULL, O_USER}, "UID[:GID]", "user to run as"},
    {{"memory", required_argument, NULL, O_MEMORY}, "SIZE", "memory, e.g. 512M"},
    {{"cpus", required_argument, NULL, O_CPUS}, "N", "number of CPUs"},
    {{"timeout", required_argument, NULL, O_TIMEOUT}, "SECONDS", "end the sandbox then (exit 124)"},
    {{"platform", required_argument, NULL, O_PLATFORM}, "NAME", "trap or ptrace"},
    {{"hostname", required_argument, NULL, O_HOSTNAME}, "NAME", "host name inside"},
    {{"id", required_argument, NULL, O_ID}, "ID", "name for nv ps, nv kill (default: made up)"},
    {{"strace", optional_argument, NULL, O_STRACE}, "[=CALLS]", "trace system calls on stderr"},
    {{"explain", no_argument, NULL, O_EXPLAIN},
     "",
     "say at the end what was asked for and missing"},
    {{"timing", optional_argument, NULL, O_TIMING}, "[=json]", "phases of the start on stderr"},
    {{"stat", optional_argument, NULL, O_STAT},
     "[=json[:FILE]]",
     "say at the end which calls took how long"},
    {{"patch", required_argument, NULL, O_PATCH},
     "auto|eager|off",
     "call sites become jumps: busy ones, all, none"},
    {{"no-patch", no_argument, NULL, O_NO_PATCH}, "", "the same as --patch off"},
    {{"event", required_argument, NULL, O_EVENT}, "JSON|@FILE|-", "event for a function"},
    {{"help", no_argument, NULL, O_HELP}, "", "this text"},
};

#define NOPTIONS (sizeof(options) / sizeof(options[0]))

static void print_help(void)
{
    printf(
        "usage: nv run [options] -- CMD [ARGS]\n       nv run [options] FILE.js --event JSON\n\n");
    for (size_t i = 0; i < NOPTIONS; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", options[i].opt.name,
                 options[i].opt.has_arg == required_argument ? " " : "", options[i].arg);
        printf("  %-30s %s\n", left, options[i].what);
    }
}

static int parse_size(const char *s, uint64_t *out)
{
    char *end;

    errno = 0;
    double v = strtod(s, &end);
    uint64_t unit = 1;
    switch (*end) {
    case 'k':
    case 'K':
        unit = 1ULL << 10;
        end++;
        break;
    case 'm':
    case 'M':
        unit = 1ULL << 20;
        end++;
        break;
    case 'g':
    case 'G':
        unit = 1ULL << 30;
        end++;
        break;
    default:
        break;
    }
    if (end == s || *end || errno || !(v > 0) || v * (double)unit > 1e15)
        return -EINVAL;
    *out = (uint64_t)(v * (double)unit);
    return 0;
}

static int parse_stat(const char *arg, struct run_options *o)
{
    o->stat = arg ? STAT_JSON : STAT_TEXT;
    if (!arg || !strcmp(arg, "json"))
        return 0;
    if (strncmp(arg, "json:", 5) != 0 || !arg[5])
        return usage_error("run", "--stat=%s: expected --stat, --stat=json or --stat=json:FILE",
                           arg);
    o->stat_file = arg + 5;
    return 0;
}

static int parse_patch(const char *arg, enum patch_mode *mode)
{
    static const char *const names[] = {
        [PATCH_AUTO] = "auto", [PATCH_EAGER] = "eager", [PATCH_OFF] = "off"};

    for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(arg, names[i])) {
            *mode = i;
            return 0;
        }
    return usage_error("run", "--patch %s: expected auto, eager or off", arg);
}

static int parse_one(int c, const char *arg, struct run_options *o)
{
    char *end;

    switch (c) {
    case O_ROOTFS:
        o->rootfs = arg;
        return 0;
    case O_MOUNT:
        if (o->nmounts == RUN_MOUNTS_MAX)
            return usage_error("run", "more than %d --mount", RUN_MOUNTS_MAX);
        if (!strchr(arg, ':'))
            return usage_error("run", "--mount %s: expected SRC:DST or SRC:DST:ro", arg);
        o->mounts[o->nmounts++] = arg;
        return 0;
    case O_ENV:
        if (o->nenv == RUN_ENV_MAX)
            return usage_error("run", "more than %d --env", RUN_ENV_MAX);
        o->env[o->nenv++] = arg;
        return 0;
    case O_CWD:
        o->cwd = arg;
        return 0;
    case O_USER:
        o->user = arg;
        return 0;
    case O_MEMORY:
        if (parse_size(arg, &o->memory) || o->memory < 16 << 20)
            return usage_error("run", "--memory %s: expected a size of at least 16M", arg);
        return 0;
    case O_CPUS:
        o->cpus = (int)strtol(arg, &end, 10);
        if (*end || o->cpus < 1 || o->cpus > 1024)
            return usage_error("run", "--cpus %s: expected a number from 1 to 1024", arg);
        return 0;
    case O_TIMEOUT:
        o->timeout_s = strtod(arg, &end);
        if (end == arg || *end || !(o->timeout_s > 0) || o->timeout_s > 1e9)
            return usage_error("run", "--timeout %s: expected seconds", arg);
        return 0;
    case O_PLATFORM:
        o->platform = arg;
        return 0;
    case O_HOSTNAME:
        o->hostname = arg;
        return 0;
    case O_ID:
        o->id = arg;
        return 0;
    case O_STRACE:
        o->strace_on = true;
        o->strace = arg ? arg : "";
        return 0;
    case O_EXPLAIN:
        o->explain = true;
        return 0;
    case O_STAT:
        return parse_stat(arg, o);
    case O_PATCH:
        return parse_patch(arg, &o->patch);
    case O_NO_PATCH:
        o->patch = PATCH_OFF;
        return 0;
    case O_TIMING:
        if (arg && strcmp(arg, "json"))
            return usage_error("run", "--timing=%s: expected --timing or --timing=json", arg);
        o->timing = true;
        o->timing_json = arg != NULL;
        return 0;
    case O_EVENT:
        o->event = arg;
        return 0;
    default:
        return EXIT_USAGE;
    }
}

int run_options_parse(int argc, char **argv, struct run_options *o)
{
    struct option opts[NOPTIONS + 1] = {0};
    int c;

    for (size_t i = 0; i < NOPTIONS; i++)
        opts[i] = options[i].opt;
    optind = 1;
    opterr = 0;
    /* '+': stop at the command; its own options are not ours. */
    while ((c = getopt_long(argc, argv, "+", opts, NULL)) != -1) {
        if (c == O_HELP) {
            print_help();
            return -1;
        }
        if (c == '?')
            return usage_error("run", "unknown option or missing argument: %s", argv[optind - 1]);
        int err = parse_one(c, optarg, o);
        if (err)
            return err;
    }
    o->dashes = optind > 1 && !strcmp(argv[optind - 1], "--");
    o->first_arg = optind;
    if (optind >= argc)
        return usage_error("run", "nothing to run");
    /* FILE.js may come before its options. */
    size_t len = strlen(argv[optind]);
    bool is_js = len > 3 && (!strcmp(argv[optind] + len - 3, ".js") ||
                             (len > 4 && (!strcmp(argv[optind] + len - 4, ".mjs") ||
                                          !strcmp(argv[optind] + len - 4, ".cjs"))));
    if (!o->dashes && is_js) {
        int file = optind++;
        while ((c = getopt_long(argc, argv, "+", opts, NULL)) != -1) {
            if (c == '?')
                return usage_error("run", "unknown option or missing argument: %s",
                                   argv[optind - 1]);
            int err = parse_one(c, optarg, o);
            if (err)
                return err;
        }
        if (optind < argc)
            return usage_error("run", "unexpected argument '%s' after %s", argv[optind],
                               argv[file]);
        o->first_arg = file;
    }
    return 0;
}
