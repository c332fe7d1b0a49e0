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
    O_CPU,
    O_TIMEOUT,
    O_PLATFORM,
    O_STRACE,
    O_EXPLAIN,
    O_IO_URING,
    O_TIMING,
    O_EVENT,
    O_HOSTNAME,
    O_ID,
    O_PATCH,
    O_NO_PATCH,
    O_PERF_MAP,
    O_STAT,
    O_OUTPUT = 'o',
    O_CALLS = 300,
    O_COUNT,
    O_PARALLEL,
    O_TRUST,
    O_SIGNATURE,
    O_SIGN_KEY,
    O_FORCE,
    O_CHECKPOINT_EVERY,
    O_RUNTIME,
    O_COLD,
    O_CORE,
    O_CORE_LIMIT,
    O_HELP
};

/* Verbs that know an option. */
#define R VERB_RUN
#define W VERB_WARM
#define I VERB_INVOKE
#define S VERB_RESTORE

static const struct {
    unsigned int verbs;
    struct option opt;
    const char *arg, *what;
} options[] = {
    {R | W | I | S,
     {"rootfs", required_argument, NULL, O_ROOTFS},
     "DIR|IMAGE",
     "root directory, or EROFS image of one (default: the host's /)"},
    {R | W | I | S,
     {"mount", required_argument, NULL, O_MOUNT},
     "SRC:DST[:ro|:erofs]",
     "make a host directory visible, or what is in an EROFS image"},
    {R | W | I,
     {"env", required_argument, NULL, O_ENV},
     "NAME[=VALUE]",
     "set, or pass on, a variable"},
    {R | W,
     {"cwd", required_argument, NULL, O_CWD},
     "DIR",
     "working directory (default: the current one)"},
    {R | W, {"user", required_argument, NULL, O_USER}, "UID[:GID]", "user to run as"},
    {R | W | I | S, {"memory", required_argument, NULL, O_MEMORY}, "SIZE", "memory, e.g. 512M"},
    {R | W | I | S, {"cpus", required_argument, NULL, O_CPUS}, "N", "number of CPUs"},
    {R | W,
     {"cpu", required_argument, NULL, O_CPU},
     "LEVEL",
     "what programs may find of the CPU: x86-64-v2, v3, v4 or host (the default)"},
    {R | W | I | S,
     {"timeout", required_argument, NULL, O_TIMEOUT},
     "SECONDS",
     "end the sandbox then (exit 124)"},
    {R | W | I | S, {"platform", required_argument, NULL, O_PLATFORM}, "NAME", "trap or ptrace"},
    {R | W | I | S, {"hostname", required_argument, NULL, O_HOSTNAME}, "NAME", "host name inside"},
    {R | I | S,
     {"id", required_argument, NULL, O_ID},
     "ID",
     "name for nv ps, nv kill (default: made up)"},
    {R | W | I | S,
     {"strace", optional_argument, NULL, O_STRACE},
     "[=CALLS]",
     "trace system calls on stderr"},
    {R | I | S,
     {"io-uring", no_argument, NULL, O_IO_URING},
     "",
     "programs may use io_uring (otherwise: ENOSYS)"},
    {R | I | S,
     {"explain", no_argument, NULL, O_EXPLAIN},
     "",
     "say at the end what was asked for and missing"},
    {R | I | S,
     {"timing", optional_argument, NULL, O_TIMING},
     "[=json]",
     "phases of the start on stderr"},
    {R | I | S,
     {"stat", optional_argument, NULL, O_STAT},
     "[=json[:FILE]]",
     "say at the end which calls took how long"},
    {R | I | S,
     {"core", required_argument, NULL, O_CORE},
     "DIR",
     "write core files of programs that crash there"},
    {R | I | S,
     {"core-limit", required_argument, NULL, O_CORE_LIMIT},
     "SIZE",
     "of all core files together (default: 2G)"},
    {R | W | I | S,
     {"patch", required_argument, NULL, O_PATCH},
     "auto|eager|off",
     "call sites become jumps: busy ones, all, none"},
    {R | W | I | S,
     {"perf-map", no_argument, NULL, O_PERF_MAP},
     "",
     "names of stub and thunks for perf on the host"},
    {R | W | I | S, {"no-patch", no_argument, NULL, O_NO_PATCH}, "", "the same as --patch off"},
    {R | W | I | S,
     {"event", required_argument, NULL, O_EVENT},
     "JSON|@FILE|-",
     "event for a function"},
    {W, {"output", required_argument, NULL, O_OUTPUT}, "NAME", "the image (also -o NAME)"},
    {R | S,
     {"image", required_argument, NULL, O_OUTPUT},
     "NAME",
     "where the program may save the sandbox: /proc/nv/checkpoint"},
    {R,
     {"checkpoint-every", required_argument, NULL, O_CHECKPOINT_EVERY},
     "N",
     "save and restore it after each N calls: for tests"},
    {W,
     {"runtime", required_argument, NULL, O_RUNTIME},
     "node",
     "the runtime; without FILE.js a runtime for any function: nv run uses the one named node"},
    {R, {"cold", no_argument, NULL, O_COLD}, "", "do not use the warm runtime of image node"},
    {W, {"calls", required_argument, NULL, O_CALLS}, "N", "calls before it is saved (default: 3)"},
    {W,
     {"sign-key", required_argument, NULL, O_SIGN_KEY},
     "KEY.pem",
     "sign the image with this ed25519 key"},
    {W, {"force", no_argument, NULL, O_FORCE}, "", "even if the image is up to date"},
    {I,
     {"count", required_argument, NULL, O_COUNT},
     "N",
     "call it N times and say how long it took"},
    {I, {"parallel", required_argument, NULL, O_PARALLEL}, "P", "P of them at once"},
    {I | S, {"trust", no_argument, NULL, O_TRUST}, "", "do not check the image's digests"},
    {I | S,
     {"require-signature", required_argument, NULL, O_SIGNATURE},
     "KEY.pem",
     "the image must be signed with this public key's private key"},
    {R | W | I | S, {"help", no_argument, NULL, O_HELP}, "", "this text"},
};
#undef R
#undef W
#undef I
#undef S

#define NOPTIONS (sizeof(options) / sizeof(options[0]))

static const struct {
    enum option_verb verb;
    const char *name, *usage;
} verbs[] = {
    {VERB_RUN, "run",
     "usage: nv run [options] -- CMD [ARGS]\n       nv run [options] FILE.js --event JSON\n\n"},
    {VERB_WARM, "warm",
     "usage: nv warm [options] FILE.js -o NAME\n       nv warm --runtime node -o node\n\n"},
    {VERB_INVOKE, "invoke", "usage: nv invoke [options] NAME --event JSON\n\n"},
    {VERB_RESTORE, "restore", "usage: nv restore [options] NAME\n\n"},
};
static const char *verb; /* being parsed */

static void print_help(enum option_verb v)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (verbs[i].verb == v)
            fputs(verbs[i].usage, stdout);
    for (size_t i = 0; i < NOPTIONS; i++) {
        char left[64];
        if (!(options[i].verbs & v))
            continue;
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

int options_size(const char *of_verb, const char *arg, uint64_t *out)
{
    if (parse_size(arg, out) || *out < 16 << 20)
        return usage_error(of_verb, "--memory %s: expected a size of at least 16M", arg);
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
    return usage_error(verb, "--patch %s: expected auto, eager or off", arg);
}

static int parse_number(const char *name, const char *arg, int min, int max, int *out)
{
    char *end;
    long v = strtol(arg, &end, 10);

    if (end == arg || *end || v < min || v > max)
        return usage_error(verb, "--%s %s: expected a number from %d to %d", name, arg, min, max);
    *out = (int)v;
    return 0;
}

/* Of functions and images. */
static int parse_image_option(int c, const char *arg, struct run_options *o)
{
    switch (c) {
    case O_EVENT:
        o->event = arg;
        return 0;
    case O_OUTPUT:
        o->output = arg;
        return 0;
    case O_CALLS:
        return parse_number("calls", arg, 0, 1000, &o->calls);
    case O_CHECKPOINT_EVERY:
        return parse_number("checkpoint-every", arg, 1, 1 << 30, &o->checkpoint_every);
    case O_RUNTIME:
        o->runtime = arg;
        return strcmp(arg, "node") ? usage_error(verb, "--runtime %s: only node is known", arg) : 0;
    case O_COLD:
        o->cold = true;
        return 0;
    case O_COUNT:
        return parse_number("count", arg, 1, 1000000, &o->count);
    case O_PARALLEL:
        return parse_number("parallel", arg, 1, 256, &o->parallel);
    case O_FORCE:
        o->force = true;
        return 0;
    case O_TRUST:
        o->trust = true;
        return 0;
    case O_SIGN_KEY:
        o->sign_key = arg;
        return 0;
    case O_SIGNATURE:
        o->signature = arg;
        return 0;
    default:
        return EXIT_USAGE;
    }
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
            return usage_error(verb, "more than %d --mount", RUN_MOUNTS_MAX);
        if (!strchr(arg, ':'))
            return usage_error(verb, "--mount %s: expected SRC:DST, SRC:DST:ro or IMAGE:DST:erofs",
                               arg);
        o->mounts[o->nmounts++] = arg;
        return 0;
    case O_ENV:
        if (o->nenv == RUN_ENV_MAX)
            return usage_error(verb, "more than %d --env", RUN_ENV_MAX);
        o->env[o->nenv++] = arg;
        return 0;
    case O_CWD:
        o->cwd = arg;
        return 0;
    case O_USER:
        o->user = arg;
        return 0;
    case O_MEMORY:
        return options_size(verb, arg, &o->memory);
    case O_CORE:
        o->core = arg;
        return 0;
    case O_CORE_LIMIT:
        if (parse_size(arg, &o->core_limit) || o->core_limit < 1 << 20)
            return usage_error(verb, "--core-limit %s: expected a size of at least 1M", arg);
        return 0;
    case O_CPUS:
        return parse_number("cpus", arg, 1, 1024, &o->cpus);
    case O_CPU:
        o->cpu = arg;
        return 0;
    case O_TIMEOUT:
        o->timeout_s = strtod(arg, &end);
        if (end == arg || *end || !(o->timeout_s > 0) || o->timeout_s > 1e9)
            return usage_error(verb, "--timeout %s: expected seconds", arg);
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
    case O_IO_URING:
        o->io_uring = true;
        return 0;
    case O_EXPLAIN:
        o->explain = true;
        return 0;
    case O_STAT:
        return parse_stat(arg, o);
    case O_PATCH:
        return parse_patch(arg, &o->patch);
    case O_PERF_MAP:
        o->perf_map = true;
        return 0;
    case O_NO_PATCH:
        o->patch = PATCH_OFF;
        return 0;
    case O_TIMING:
        if (arg && strcmp(arg, "json"))
            return usage_error(verb, "--timing=%s: expected --timing or --timing=json", arg);
        o->timing = true;
        o->timing_json = arg != NULL;
        return 0;
    default:
        return parse_image_option(c, arg, o);
    }
}

static int parse_all(int argc, char **argv, const struct option *opts, struct run_options *o)
{
    int c;

    /* '+': stop at the command; its own options are not ours. */
    while ((c = getopt_long(argc, argv, o->verb == VERB_WARM ? "+o:" : "+", opts, NULL)) != -1) {
        if (c == O_HELP)
            return -1;
        if (c == '?')
            return usage_error(verb, "unknown option or missing argument: %s", argv[optind - 1]);
        int err = parse_one(c, optarg, o);
        if (err)
            return err;
    }
    return 0;
}

static bool is_function(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (!strcmp(dot, ".js") || !strcmp(dot, ".mjs") || !strcmp(dot, ".cjs"));
}

int options_parse(enum option_verb v, int argc, char **argv, struct run_options *o)
{
    struct option opts[NOPTIONS + 1] = {0};
    size_t n = 0;

    for (size_t i = 0; i < NOPTIONS; i++)
        if (options[i].verbs & v)
            opts[n++] = options[i].opt;
    o->verb = v;
    o->calls = 3;
    o->count = o->parallel = 1;
    verb = argv[0];
    optind = 1;
    opterr = 0;
    int err = parse_all(argc, argv, opts, o);
    if (err) {
        if (err < 0)
            print_help(v);
        return err;
    }
    o->dashes = optind > 1 && !strcmp(argv[optind - 1], "--");
    o->first_arg = optind;
    if (optind >= argc && o->runtime)
        return 0;
    if (optind >= argc)
        return usage_error(verb, v == VERB_RUN ? "nothing to run" : "a name is missing");
    /* What is not a command may come before its options. */
    if (v == VERB_RUN && (o->dashes || !is_function(argv[optind])))
        return 0;
    int first = optind++;
    err = parse_all(argc, argv, opts, o);
    if (err) {
        if (err < 0)
            print_help(v);
        return err;
    }
    if (optind < argc)
        return usage_error(verb, "unexpected argument '%s' after %s", argv[optind], argv[first]);
    o->first_arg = first;
    return 0;
}
