/*
 * conform: runs conformance programs natively and under command prefixes, and compares their TAP.
 * README.md has the options. The first --run is the reference, normally "native=".
 *
 * A program may print sections, each of which then counts as a program (generated/).
 * Every (program, run) pair is one attempt. Attempts run in order, at most --jobs at a time; a
 * program's line is printed when it and all before it are finished, so the report does not depend
 * on which attempt was quicker.
 */
#include "conform.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 8
#define JOBS_MAX 64
#define OUT_MAX (4 << 20)
#define LINES_MAX 2048
#define SHOWN_MAX 5  /* differing lines printed for one program under one run */
#define GRACE_MS 500 /* output awaited from descendants after the program itself is gone */

struct job {
    struct attempt *attempt;
    pid_t pid;
    int pidfd, fd; /* -1 when exited, when at end of file */
    long deadline;
};

/* A program's assertions by number: the line, or NULL for a number that never came. */
struct tap {
    char *line[LINES_MAX];
    int count, plan, failures;
};

struct run runs[RUNS_MAX];
int nruns;
static int timeout_s = 20, njobs = 1;
static const char *only, *except, *json_path, *known_path, *dir;

static struct program *programs; /* to be run */
static int nprograms;
struct program *rows;
int nrows;

void *must(void *p)
{
    if (!p) {
        perror("conform");
        exit(2);
    }
    return p;
}

static void add_run(char *spec)
{
    char *eq = strchr(spec, '='), *save, *w;
    struct run *r = &runs[nruns];

    if (!eq || nruns == RUNS_MAX) {
        fprintf(stderr, "conform: --run %s: expected NAME=PREFIX, at most %d\n", spec, RUNS_MAX);
        exit(2);
    }
    nruns++;
    *eq = 0;
    r->name = spec;
    for (w = strtok_r(eq + 1, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (r->nargs == ARGS_MAX - 2) {
            fprintf(stderr, "conform: --run %s: too many words\n", r->name);
            exit(2);
        }
        r->args[r->nargs++] = w;
    }
}

static int matches(const char *name, const char *glob)
{
    return strpbrk(glob, "*?[") ? !fnmatch(glob, name, 0) : strstr(name, glob) != NULL;
}

static int is_selected(const char *name)
{
    return (!only || matches(name, only)) && !(except && matches(name, except));
}

static int collect(const char *path, const struct stat *st, int type, struct FTW *f)
{
    const char *name = path + strlen(dir);

    name += strspn(name, "/");
    if (type != FTW_F || !(st->st_mode & 0100) || !is_selected(name))
        return 0;
    programs = must(realloc(programs, sizeof(*programs) * (size_t)(nprograms + 1)));
    path = must(strdup(path));
    name = path + strlen(dir);
    programs[nprograms++] = (struct program){path, name + strspn(name, "/"),
                                             must(calloc((size_t)nruns, sizeof(struct attempt)))};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct program *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void run_child(const struct run *r, const char *program, int out)
{
    char *argv[ARGS_MAX];
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    memcpy(argv, r->args, sizeof(argv));
    argv[r->nargs] = (char *)program;
    argv[r->nargs + 1] = NULL;
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int sig = 1; sig < NSIG; sig++) /* a shell's background jobs ignore SIGINT */
        signal(sig, SIG_DFL);
    dup2(null, 0);
    dup2(out, 1);
    if (!getenv("CONFORM_STDERR"))
        dup2(null, 2);
    close(null);
    execvp(argv[0], argv);
    _exit(127);
}

static void job_start(struct job *j, const struct program *program, int run)
{
    int p[2];

    if (pipe2(p, O_CLOEXEC)) {
        perror("conform: pipe");
        exit(2);
    }
    fflush(stdout);
    j->attempt = &program->attempts[run];
    j->attempt->size = 4096;
    j->attempt->out = must(calloc(1, j->attempt->size));
    j->pid = fork();
    if (j->pid == 0)
        run_child(&runs[run], program->path, p[1]);
    if (j->pid < 0) {
        perror("conform: fork");
        exit(2);
    }
    setpgid(j->pid, j->pid); /* whichever of the two comes first */
    j->pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
    if (j->pidfd < 0) {
        perror("conform: pidfd_open");
        exit(2);
    }
    close(p[1]);
    j->fd = p[0];
    fcntl(j->fd, F_SETFL, O_NONBLOCK);
    j->deadline = now_ms() + timeout_s * 1000L;
}

static void job_read(struct job *j)
{
    struct attempt *a = j->attempt;
    char drop[4096];

    for (;;) {
        size_t room = a->size - 1 - a->len;

        if (!room && a->size < OUT_MAX) {
            a->out = must(realloc(a->out, 2 * a->size));
            memset(a->out + a->size, 0, a->size);
            room = a->size;
            a->size *= 2;
        }
        ssize_t n = room ? read(j->fd, a->out + a->len, room) : read(j->fd, drop, sizeof(drop));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            break;
        if (room)
            a->len += (size_t)n;
    }
    close(j->fd);
    j->fd = -1;
}

static void job_reap(struct job *j)
{
    int status = 0;

    waitpid(j->pid, &status, 0);
    j->attempt->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    close(j->pidfd);
    j->pidfd = -1;
}

/* Ends what is left of the attempt: the program if its time is up, descendants it left behind. */
static void job_finish(struct job *j)
{
    if (j->pidfd >= 0) {
        j->attempt->timed_out = 1;
        kill(-j->pid, SIGKILL);
        kill(j->pid, SIGKILL);
        job_reap(j);
    }
    kill(-j->pid, SIGKILL);
    if (j->fd >= 0) {
        job_read(j);
        if (j->fd >= 0)
            close(j->fd);
    }
    j->attempt->finished = 1;
    j->attempt = NULL;
}

static void jobs_wait(struct job *jobs)
{
    struct pollfd p[JOBS_MAX * 2];
    long wait_ms = 60000;

    for (int i = 0; i < njobs; i++) {
        int busy = jobs[i].attempt != NULL;

        p[2 * i] = (struct pollfd){busy ? jobs[i].fd : -1, POLLIN, 0};
        p[2 * i + 1] = (struct pollfd){busy ? jobs[i].pidfd : -1, POLLIN, 0};
        if (busy && jobs[i].deadline - now_ms() < wait_ms)
            wait_ms = jobs[i].deadline - now_ms();
    }
    poll(p, (nfds_t)njobs * 2, wait_ms < 0 ? 0 : (int)wait_ms + 1);
    for (int i = 0; i < njobs; i++) {
        struct job *j = &jobs[i];

        if (!j->attempt)
            continue;
        if (j->fd >= 0 && p[2 * i].revents)
            job_read(j);
        if (j->pidfd >= 0 && p[2 * i + 1].revents) {
            job_reap(j);
            j->deadline = now_ms() + GRACE_MS;
        }
        if ((j->fd < 0 && j->pidfd < 0) || now_ms() >= j->deadline)
            job_finish(j);
    }
}

/* Splits text in place. Lines that are neither assertions nor the plan are for people. */
static void tap_parse(struct tap *t, char *text)
{
    char *save, *l;

    memset(t, 0, sizeof(*t));
    t->plan = -1;
    for (l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        int bad = !strncmp(l, "not ok ", 7);
        int n = bad || !strncmp(l, "ok ", 3) ? atoi(l + (bad ? 7 : 3)) : 0;

        if (!strncmp(l, "1..", 3))
            t->plan = atoi(l + 3);
        if (n < 1 || n >= LINES_MAX)
            continue;
        t->line[n] = l;
        t->failures += bad;
        if (n > t->count)
            t->count = n;
    }
}

static void tap_of(struct tap *t, const struct attempt *a, char **copy)
{
    *copy = must(strdup(a->out));
    tap_parse(t, *copy);
}

int assertions(const struct program *p)
{
    static struct tap t;
    char *copy;

    tap_of(&t, &p->attempts[0], &copy);
    free(copy);
    return t.count;
}

static int tap_same(const struct tap *a, const struct tap *b)
{
    if (a->count != b->count || a->plan != b->plan)
        return 0;
    for (int i = 1; i <= a->count; i++)
        if (a->line[i] && b->line[i] ? strcmp(a->line[i], b->line[i]) != 0
                                     : a->line[i] != b->line[i])
            return 0;
    return 1;
}

const char *verdict(const struct program *p, int run)
{
    const struct attempt *ref = &p->attempts[0], *a = &p->attempts[run];
    static struct tap x, y;
    char *cx, *cy;
    const char *v;

    if (a->timed_out)
        return "timeout";
    if (a->status >= 128 && (run == 0 || a->status != ref->status))
        return "crashed";
    tap_of(&x, ref, &cx);
    tap_of(&y, a, &cy);
    if (run == 0)
        v = a->status || y.failures || y.plan != y.count || !y.count ? "fails" : "ok";
    else
        v = a->status == ref->status && tap_same(&x, &y) ? "agree" : "differs";
    free(cx);
    free(cy);
    return v;
}

int is_good(const char *v)
{
    return !strcmp(v, "ok") || !strcmp(v, "agree");
}

int is_known(const char *run, const char *program)
{
    char line[512], want[512], any[512];
    FILE *f = known_path ? fopen(known_path, "r") : NULL;
    int found = 0;

    snprintf(any, sizeof(any), "* %s", program);
    snprintf(want, sizeof(want), "%s %s", run, program);
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "#\n")] = 0;
        for (size_t n = strlen(line); n && line[n - 1] == ' ';)
            line[--n] = 0;
        found |= !strcmp(line, want) || !strcmp(line, any);
    }
    if (f)
        fclose(f);
    return found;
}

void differences(const struct program *p, int run,
                 void (*each)(const char *ref, const char *here, void *), void *arg)
{
    static struct tap x, y;
    char *cx, *cy, plan_x[32], plan_y[32];

    tap_of(&x, &p->attempts[0], &cx);
    tap_of(&y, &p->attempts[run], &cy);
    for (int i = 1; i <= x.count || i <= y.count; i++) {
        const char *a = x.line[i] ? x.line[i] : "(nothing)";
        const char *b = y.line[i] ? y.line[i] : "(nothing)";

        if (run ? strcmp(a, b) : strncmp(b, "ok ", 3))
            each(run ? a : "ok", b, arg);
    }
    snprintf(plan_x, sizeof(plan_x), x.plan < 0 ? "(no plan)" : "1..%d", x.plan);
    snprintf(plan_y, sizeof(plan_y), y.plan < 0 ? "(no plan)" : "1..%d", y.plan);
    if (run ? x.plan != y.plan : y.plan < 0)
        each(run ? plan_x : "1..N", plan_y, arg);
    free(cx);
    free(cy);
}

static void print_difference(const char *ref, const char *here, void *arg)
{
    int *shown = arg;

    if (++*shown <= SHOWN_MAX)
        printf("    expected: %s\n    here:     %s\n", ref, here);
    else if (*shown == SHOWN_MAX + 1)
        printf("    ...\n");
}

static void explain(const struct program *p, int run)
{
    const struct attempt *a = &p->attempts[run], *ref = &p->attempts[0];
    int shown = 0;

    printf("  %s under %s: %s\n", p->name, runs[run].name, verdict(p, run));
    differences(p, run, print_difference, &shown);
    if (a->status != ref->status || (!run && a->status))
        printf("    status %d, %s %d\n", a->status, runs[0].name, ref->status);
    printf("    repeat:");
    for (int i = 0; i < runs[run].nargs; i++)
        printf(" %s", runs[run].args[i]);
    printf(" %s\n", p->path);
}

static void print_row(const struct program *p)
{
    printf("%-44s", p->name);
    for (int k = 0; k < nruns; k++)
        printf(" %-*s", (int)(strlen(runs[k].name) > 8 ? strlen(runs[k].name) : 8), verdict(p, k));
    printf("\n");
    fflush(stdout);
}

static struct program *row_add(const char *path, const char *name)
{
    rows = must(realloc(rows, sizeof(*rows) * (size_t)(nrows + 1)));
    rows[nrows] = (struct program){path, name, must(calloc((size_t)nruns, sizeof(struct attempt)))};
    return &rows[nrows++];
}

/* The section of this name in an attempt's output; what follows the last one belongs to it. */
static void section_find(struct attempt *section, const struct attempt *whole, const char *name)
{
    const char *at = whole->out, *end;
    char head[256];

    snprintf(head, sizeof(head), "# program %s\n", name);
    section->finished = 1;
    section->out = must(strdup(""));
    while (at && strncmp(at, head, strlen(head))) {
        at = strstr(at, "\n# program ");
        at = at ? at + 1 : NULL;
    }
    if (!at) {
        section->status = whole->status;
        section->timed_out = whole->timed_out;
        return;
    }
    at += strlen(head);
    end = strstr(at, "\n# program ");
    if (!end) { /* what ended the program ended it here */
        section->status = whole->status;
        section->timed_out = whole->timed_out;
    }
    free(section->out);
    section->out = must(end ? strndup(at, (size_t)(end + 1 - at)) : strdup(at));
}

/* A program that prints sections, "# program NAME" and TAP after it, stands for so many. */
static void rows_add(const struct program *p)
{
    const char *text = p->attempts[0].out, *at;
    int first = nrows;
    char name[512];

    for (at = text; at; at = strstr(at, "\n# program ")) {
        at += *at == '\n';
        if (strncmp(at, "# program ", 10))
            continue;
        at += 10;
        int len = (int)strcspn(at, "\n");
        snprintf(name, sizeof(name), "%s/%.*s", p->name, len, at);
        struct program *row = row_add(p->path, must(strdup(name)));
        for (int k = 0; k < nruns; k++)
            section_find(&row->attempts[k], &p->attempts[k], row->name + strlen(p->name) + 1);
    }
    if (nrows > first)
        return;
    struct program *row = row_add(p->path, p->name);
    memcpy(row->attempts, p->attempts, sizeof(struct attempt) * (size_t)nruns);
}

static void run_all(void)
{
    static struct job jobs[JOBS_MAX];
    int total = nprograms * nruns, next = 0, printed = 0;

    printf("%-44s", "program");
    for (int k = 0; k < nruns; k++)
        printf(" %-8s", runs[k].name);
    printf("\n");
    while (printed < nprograms) {
        for (int i = 0; i < njobs && next < total; i++)
            if (!jobs[i].attempt) {
                job_start(&jobs[i], &programs[next / nruns], next % nruns);
                next++;
            }
        jobs_wait(jobs);
        while (printed < nprograms) {
            int k = 0, row = nrows;

            while (k < nruns && programs[printed].attempts[k].finished)
                k++;
            if (k < nruns)
                break;
            rows_add(&programs[printed++]);
            while (row < nrows)
                print_row(&rows[row++]);
        }
    }
}

/* Prints the list of differences and the summary; returns how many programs failed. */
static int report(void)
{
    int passed = 0, failed = 0, known = 0;

    for (int i = 0; i < nrows; i++) {
        int bad = 0, excused = 0;

        for (int k = 0; k < nruns; k++) {
            if (is_good(verdict(&rows[i], k)))
                continue;
            if (is_known(runs[k].name, rows[i].name)) {
                excused++;
                continue;
            }
            if (!bad++ && !failed)
                printf("\nDifferences:\n");
            explain(&rows[i], k);
        }
        failed += bad > 0;
        known += !bad && excused;
        passed += !bad && !excused;
    }
    if (json_path)
        json_write(json_path, passed, failed, known);
    if (known)
        printf("\n%d differ in a known way (not counted as failed)\n", known);
    printf("%s%d passed, %d failed\n", known ? "" : "\n", passed, failed);
    return failed;
}

static void usage(void)
{
    fprintf(stderr,
            "usage: conform [--run NAME=PREFIX]... [--only GLOB] [--except GLOB] [--known FILE] "
            "[--json FILE] [--timeout SEC] [--jobs N] DIR\n");
    exit(2);
}

static void options(int argc, char **argv)
{
    static const struct option_text {
        const char *name, **text;
        int *number;
    } table[] = {{"--json", &json_path, NULL},    {"--known", &known_path, NULL},
                 {"--only", &only, NULL},         {"--except", &except, NULL},
                 {"--timeout", NULL, &timeout_s}, {"--jobs", NULL, &njobs}};

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        while (k < sizeof(table) / sizeof(*table) && strcmp(argv[i], table[k].name))
            k++;
        if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else if (!strcmp(argv[i], "--run") && i + 1 < argc)
            add_run(argv[++i]);
        else if (k == sizeof(table) / sizeof(*table) || i + 1 == argc)
            usage();
        else if (table[k].text)
            *table[k].text = argv[++i];
        else
            *table[k].number = atoi(argv[++i]);
    }
}

int main(int argc, char **argv)
{
    static char native[] = "native=";

    options(argc, argv);
    if (!dir || timeout_s < 1 || njobs < 1 || njobs > JOBS_MAX)
        usage();
    if (!nruns)
        add_run(native);
    if (nftw(dir, collect, 16, 0)) {
        perror(dir);
        return 2;
    }
    if (!nprograms) {
        fprintf(stderr, "conform: no programs in %s\n", dir);
        return 2;
    }
    qsort(programs, (size_t)nprograms, sizeof(*programs), by_name);
    run_all();
    return report() > 0;
}
