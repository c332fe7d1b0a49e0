/*
 * nv selftest: do filters and confinement hold on this host? A sandbox is started twice. First with
 * a hole in each filter, which must be found, or the test itself is worth nothing; then as it is.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/filter.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "platform/platform.h"
#include "runsc-cli/cli.h"
#include "runsc-cli/ground.h"
#include "runsc-cli/selftest/selftest.h"
#include "runsc-cli/session.h"
#include "runsc-cli/spec.h"
#include "sentry/kernel/loop.h"

#define PATIENCE_NS (120 * NSEC_PER_SEC)
#define LOOK_NS 2000000
#define CONTROL_HOLE SYS_getpgrp /* harmless, and on no list */

struct options {
    bool json;
    const char *platform;
    int weak; /* position, -1: none */
    long hole;
};

static bool has_int80(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(enter_kernel(WAY_INT80, 20 /* getpid */, (unsigned long[6]){0}) == getpid() ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool all_done(void)
{
    for (int p = 0; p < POSITIONS; p++)
        if (!*(volatile bool *)&selftest->tally[p].done)
            return false;
    return true;
}

/* 0, or -ECHILD: a process that should wait for us has ended. */
static int wait_for(const struct spawn *sp)
{
    const struct timespec nap = {0, LOOK_NS};
    uint64_t until = now_ns() + PATIENCE_NS;
    siginfo_t si;

    while (!all_done()) {
        const pid_t pids[] = {sp->sentry, sp->gofer};
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
            memset(&si, 0, sizeof(si));
            if (waitid(P_PID, (id_t)pids[i], &si, WEXITED | WNOHANG | WNOWAIT) || si.si_pid)
                return -ECHILD;
        }
        if (now_ns() > until)
            return -ETIMEDOUT;
        nanosleep(&nap, NULL);
    }
    return 0;
}

static void could_not(const char *why)
{
    for (int p = 0; p < POSITIONS; p++) {
        struct tally *t = &selftest->tally[p];
        if (!t->done && !t->could_not[0])
            snprintf(t->could_not, TEXT_MAX, "%s", why);
    }
}

static void one_round(struct spawn *sp, const struct selftest_round *r)
{
    struct session s = {.signals = -1, .sp = *sp};
    struct error e = ERROR_INIT;

    memset(selftest, 0, sizeof(*selftest));
    selftest_round = *r;
    filter_hook = &selftest_hook;
    int err = spawn_sandbox(&s.sp, &e);
    filter_hook = NULL;
    if (err) {
        could_not(e.what ? e.what : strerror(-err));
        error_print(&e);
        error_free(&e);
        return;
    }
    err = wait_for(&s.sp);
    if (err)
        could_not(err == -ECHILD ? "the process ended early" : "it takes too long");
    else if (!r->only_hole && !sp->ground)
        outside_look(s.sp.sentry, s.sp.gofer);
    session_kill(&s);
    waitpid(s.sp.sentry, NULL, 0);
    waitpid(s.sp.gofer, NULL, 0);
}

/*
 * As nv serve starts sandboxes, out of a process that has given up its files: the same filters, but
 * cages made in another order. For good, so in a process of its own.
 */
static void round_of_serve(struct spawn *sp, const struct selftest_round *r)
{
    static struct ground_exports exports;
    static struct ground ground;
    struct error e = ERROR_INIT;

    int err = ground_open_exports(&exports, sp, &e);
    if (!err)
        err = ground_enter(&ground, true, &e);
    if (!err)
        err = ground_net_take(&ground, &e);
    if (err < 0) {
        error_print(&e);
        _exit(EXIT_NV);
    }
    sp->ground = &ground;
    sp->exports = &exports;
    one_round(sp, r);
    for (int p = 0; p < POSITIONS; p++)
        if (selftest->tally[p].could_not[0])
            _exit(EXIT_NV);
    _exit(0);
}

static void look_at_serve(struct spawn *sp, const struct selftest_round *r)
{
    struct selftest *own = selftest;
    int status = -1;

    selftest =
        mmap(NULL, sizeof(*selftest), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = selftest == MAP_FAILED ? -1 : fork();
    if (pid == 0)
        round_of_serve(sp, r);
    struct selftest *serve = selftest;
    selftest = own;
    bool done = pid > 0 && waitpid(pid, &status, 0) == pid && !status;
    for (unsigned int i = 0; done && i < MIN(serve->nfacts, (unsigned int)FACTS_MAX); i++) {
        char who[64];
        snprintf(who, sizeof(who), "%s of nv serve", serve->facts[i].who);
        fact_add(who, serve->facts[i].holds, serve->facts[i].what, "%s", serve->facts[i].detail);
    }
    if (!done)
        snprintf(selftest->tally[POS_SENTRY].could_not, TEXT_MAX, "as nv serve starts it");
}

/* A tracee of the ptrace platform has no filter that could have a hole. */
static bool has_filter(enum position p)
{
    return p < POS_GUEST || platform == &platform_trap;
}

static int control_check(void)
{
    for (int p = 0; p < POSITIONS; p++) {
        const struct tally *t = &selftest->tally[p];
        if (t->could_not[0]) {
            fprintf(stderr, "nv: selftest: %s: %s\n", position_names[p], t->could_not);
            return EXIT_NV;
        }
        if (has_filter((enum position)p) && t->npassed != 1) {
            fprintf(stderr, "nv: selftest: a hole in the filter of the %s was not noticed\n",
                    position_names[p]);
            return EXIT_NV;
        }
    }
    return 0;
}

/* --- report --- */
static unsigned int facts_seen(void)
{
    return MIN(selftest->nfacts, (unsigned int)FACTS_MAX);
}

static void print_tally(enum position p)
{
    static const char *const how[POSITIONS] = {"killed by its filter", "killed by its filter",
                                               "answered by the sentry", "answered by the sentry"};
    const struct tally *t = &selftest->tally[p];

    printf("%-7s %s: %u forbidden calls tried, %u refused (%s)\n",
           t->could_not[0] ? "UNKNOWN"
           : t->npassed    ? "FAILED"
                           : "ok",
           position_names[p], t->tried, t->refused, how[p]);
    if (t->could_not[0])
        printf("        could not be tried: %s\n", t->could_not);
    for (unsigned int i = 0; i < MIN(t->npassed, (unsigned int)PASSED_MAX); i++)
        printf("        PASSED %s\n", t->passed[i]);
    if (t->npassed > PASSED_MAX)
        printf("        and %u more\n", t->npassed - PASSED_MAX);
}

/* What does not hold, and how much does. */
static void print_facts(const char *who)
{
    unsigned int held = 0, n = 0;

    for (unsigned int i = 0; i < facts_seen(); i++) {
        const struct fact *f = &selftest->facts[i];
        if (strcmp(f->who, who))
            continue;
        n++;
        held += f->holds;
    }
    if (n)
        printf("%-7s %s: %u facts about its cage looked at, %u hold\n", held < n ? "FAILED" : "ok",
               who, n, held);
    for (unsigned int i = 0; i < facts_seen(); i++) {
        const struct fact *f = &selftest->facts[i];
        if (!strcmp(f->who, who) && !f->holds)
            printf("        NOT SO %s%s%s\n", f->what, f->detail[0] ? ": " : "", f->detail);
    }
}

static void json_pair(struct strbuf *b, const char *key, const char *value)
{
    strbuf_printf(b, "\"%s\": ", key);
    strbuf_json_string(b, value);
}

static void print_json(int code)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_printf(&b, "{\"holds\": %s, ", code ? "false" : "true");
    json_pair(&b, "platform", platform->name);
    strbuf_puts(&b, ",\n\"positions\": [");
    for (int p = 0; p < POSITIONS; p++) {
        const struct tally *t = &selftest->tally[p];
        strbuf_puts(&b, p ? ",\n {" : "\n {");
        json_pair(&b, "position", position_names[p]);
        strbuf_printf(&b, ", \"tried\": %u, \"refused\": %u, \"exempt\": %u, \"passed\": [",
                      t->tried, t->refused, t->exempt);
        for (unsigned int i = 0; i < MIN(t->npassed, (unsigned int)PASSED_MAX); i++) {
            strbuf_puts(&b, i ? ", " : "");
            strbuf_json_string(&b, t->passed[i]);
        }
        strbuf_puts(&b, "], \"could_not\": ");
        if (t->could_not[0])
            strbuf_json_string(&b, t->could_not);
        else
            strbuf_puts(&b, "null");
        strbuf_puts(&b, "}");
    }
    strbuf_puts(&b, "],\n\"facts\": [");
    for (unsigned int i = 0; i < facts_seen(); i++) {
        const struct fact *f = &selftest->facts[i];
        strbuf_printf(&b, "%s\n {\"holds\": %s, ", i ? "," : "", f->holds ? "true" : "false");
        json_pair(&b, "who", f->who);
        strbuf_puts(&b, ", ");
        json_pair(&b, "what", f->what);
        strbuf_puts(&b, ", ");
        json_pair(&b, "detail", f->detail);
        strbuf_puts(&b, "}");
    }
    strbuf_puts(&b, "]}");
    puts(b.failed ? "{}" : b.data);
    strbuf_free(&b);
}

static bool exempt(void)
{
    unsigned int n = 0;

    for (int p = 0; p < POSITIONS; p++)
        n += selftest->tally[p].exempt;
    return n > 0;
}

static int verdict(void)
{
    int code = 0;

    for (int p = 0; p < POSITIONS; p++)
        if (selftest->tally[p].could_not[0])
            code = EXIT_NV;
    if (selftest->nfacts > FACTS_MAX)
        code = EXIT_NV;
    for (int p = 0; p < POSITIONS; p++)
        if (selftest->tally[p].npassed)
            code = 1;
    for (unsigned int i = 0; i < facts_seen(); i++)
        if (!selftest->facts[i].holds)
            code = 1;
    return code;
}

static void report(const struct options *o, bool int80, int code)
{
    if (o->json) {
        print_json(code);
        return;
    }
    for (int p = 0; p < POSITIONS; p++)
        print_tally((enum position)p);
    for (int p = 0; p < POSITIONS; p++)
        print_facts(position_names[p]);
    for (int p = 0; p < POSITIONS; p++) {
        char who[64];
        snprintf(who, sizeof(who), "%s of nv serve", position_names[p]);
        print_facts(who);
    }
    if (exempt())
        puts("note    uretprobe and uprobe: this host's kernel asks no filter about them, and "
             "refuses "
             "them itself");
    if (!int80)
        puts("note    int 0x80 was left out: this host's kernel has no 32-bit system calls");
    printf("nv selftest: platform %s: %s\n", platform->name,
           code == 1 ? "SOMETHING GOT THROUGH"
           : code    ? "not everything could be tried"
                     : "filters and confinement hold");
}

/* --- options --- */
static int help(void)
{
    puts(
        "usage: nv selftest [--platform trap|ptrace] [--json]\n\n"
        "Starts a sandbox whose processes try what they must not be able to do: every system call\n"
        "that is not on the list of their position, by each way into the kernel, forbidden\n"
        "arguments of those that are, and what remains without a filter.\n\n"
        "  sentry  the kernel of a sandbox        guest  code of guests\n"
        "  gofer   the process that opens files   stub   guests that jump to the stub's own "
        "calls\n\n"
        "exit code: 0 all of it is refused; 1 something got through; 125 it could not be tried\n\n"
        "  --platform NAME        trap or ptrace (default: as nv run)\n"
        "  --json                 for programs\n"
        "  --weaken POSITION:NR   lets one call through, which must then be reported");
    return 0;
}

static bool parse_hole(struct options *o, const char *arg)
{
    const char *colon = strchr(arg, ':');
    char *end;

    for (int p = 0; colon && p < POSITIONS; p++)
        if (strlen(position_names[p]) == (size_t)(colon - arg) &&
            !strncmp(position_names[p], arg, (size_t)(colon - arg)))
            o->weak = p;
    if (o->weak < 0)
        return false;
    o->hole = strtol(colon + 1, &end, 0);
    return end != colon + 1 && !*end && o->hole >= 0;
}

/* 0, an exit code, or -1: help was shown. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
                                          {"platform", required_argument, NULL, 'p'},
                                          {"weaken", required_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c;

    *o = (struct options){.weak = -1};
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'h')
            return -1 + help();
        if (c == 'j')
            o->json = true;
        else if (c == 'p')
            o->platform = optarg;
        else if (c != 'w')
            return usage_error("selftest", "unknown or incomplete option '%s'", argv[optind - 1]);
        else if (!parse_hole(o, optarg))
            return usage_error("selftest", "--weaken takes sentry, gofer or stub, a colon and the "
                                           "number of a call");
    }
    if (optind < argc)
        return usage_error("selftest", "unexpected argument '%s'", argv[optind]);
    return 0;
}

static int prepare(const struct options *o, struct spawn *sp, struct error *e)
{
    static char *argv[] = {"selftest", NULL};
    static struct run_options run = {.verb = VERB_RUN, .cwd = "/", .first_arg = 1};

    run.platform = o->platform;
    platform = platform_find(o->platform, e);
    if (!platform)
        return EXIT_NV;
    if (e->what && !o->platform)
        error_print(e);
    selftest =
        mmap(NULL, sizeof(*selftest), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (selftest == MAP_FAILED) {
        error_set(e, -errno, "memory");
        return EXIT_NV;
    }
    return spec_fill_common(sp, &run, 1, argv, e);
}

int verb_selftest(int argc, char **argv)
{
    struct error e = ERROR_INIT;
    struct spawn sp = {0};
    struct options o;

    int code = parse(argc, argv, &o);
    if (code)
        return code < 0 ? 0 : code;
    code = prepare(&o, &sp, &e);
    if (code) {
        error_print(&e);
        error_free(&e);
        return code;
    }
    bool int80 = has_int80();
    struct selftest_round r = {.weak = POSITIONS,
                               .hole = CONTROL_HOLE,
                               .only_hole = true,
                               .cli = getpid(),
                               .no_int80 = !int80};
    struct stat st;
    if (!stat("/proc/cpuinfo", &st))
        r.cpuinfo_ino = st.st_ino;
    one_round(&sp, &r);
    code = control_check();
    if (code)
        return code;
    r.weak = o.weak;
    r.hole = o.hole;
    r.only_hole = false;
    one_round(&sp, &r);
    if (spawn_is_privileged()) {
        r.only_cage = true;
        r.weak = -1;
        look_at_serve(&sp, &r);
    }
    code = verdict();
    report(&o, int80, code);
    return code;
}
