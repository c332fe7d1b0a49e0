/*
 * conform: runs conformance programs natively and under command prefixes, and compares the TAP.
 *
 *   conform [--run NAME=PREFIX]... [--known FILE] [--json FILE] [--only TEXT] [--timeout SEC] DIR
 *
 * The first --run is the reference, normally "native=". A program passes when its reference run has
 * no failing assertion and every other run printed the same lines. FILE of --known names programs
 * ("NAME subject/program", # comments) whose difference is known: reported, not counted as failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 8
#define ARGS_MAX 64
#define OUT_MAX 65536

struct run {
    const char *name;
    char *args[ARGS_MAX];
    int nargs;
};

struct result {
    char *out;
    int status; /* exit code, 128+signal, -1 timeout */
};

static struct run runs[RUNS_MAX];
static int nruns, timeout_s = 20;
static const char *only, *json_path, *known_path, *dir;
static char **programs;
static int nprograms;

static void add_run(char *spec)
{
    struct run *r = &runs[nruns++];
    char *eq = strchr(spec, '='), *save, *w;

    if (!eq || nruns > RUNS_MAX) {
        fprintf(stderr, "conform: --run %s: expected NAME=PREFIX\n", spec);
        exit(2);
    }
    *eq = 0;
    r->name = spec;
    for (w = strtok_r(eq + 1, " ", &save); w && r->nargs < ARGS_MAX - 2; w = strtok_r(NULL, " ", &save))
        r->args[r->nargs++] = w;
}

static int collect(const char *path, const struct stat *st, int type, struct FTW *f)
{
    if (type != FTW_F || !(st->st_mode & 0100) || (only && !strstr(path, only)))
        return 0;
    programs = realloc(programs, sizeof(*programs) * (size_t)(nprograms + 1));
    programs[nprograms++] = strdup(path);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int read_until(int fd, char *out, long deadline)
{
    size_t len = 0;

    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        long left = deadline - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return -1;
        ssize_t n = read(fd, out + len, OUT_MAX - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        if (len == OUT_MAX - 1)
            break;
    }
    return 0;
}

static struct result execute(struct run *r, char *program)
{
    struct result res = {calloc(1, OUT_MAX), -1};
    int p[2], status;
    char *argv[ARGS_MAX];

    memcpy(argv, r->args, sizeof(argv));
    argv[r->nargs] = program;
    argv[r->nargs + 1] = NULL;
    if (pipe2(p, O_CLOEXEC)) {
        perror("pipe");
        exit(2);
    }
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(p[1], 1);
        if (!getenv("CONFORM_STDERR"))
            dup2(null, 2);
        close(null);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(p[1]);
    int timed_out = read_until(p[0], res.out, now_ms() + timeout_s * 1000L);
    close(p[0]);
    if (timed_out)
        kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
    kill(-pid, SIGKILL); /* what a native program may have left */
    if (!timed_out)
        res.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return res;
}

/* Only assertion lines count; "# got ..." remarks are for people. */
static int same_tap(const char *a, const char *b)
{
    while (*a || *b) {
        size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");
        if (*a == '#') {
            a += la + (a[la] == '\n');
            continue;
        }
        if (*b == '#') {
            b += lb + (b[lb] == '\n');
            continue;
        }
        if (la != lb || memcmp(a, b, la))
            return 0;
        a += la + (a[la] == '\n');
        b += lb + (b[lb] == '\n');
    }
    return 1;
}

static int is_known(const char *run, const char *program)
{
    char line[512], want[512];
    FILE *f = known_path ? fopen(known_path, "r") : NULL;
    int found = 0;

    snprintf(want, sizeof(want), "%s %s", run, program);
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "#\n")] = 0;
        for (size_t n = strlen(line); n && line[n - 1] == ' ';)
            line[--n] = 0;
        found |= !strcmp(line, want);
    }
    if (f)
        fclose(f);
    return found;
}

static const char *verdict(const struct result *ref, const struct result *r)
{
    if (r->status == -1)
        return "timeout";
    if (r == ref)
        return r->status ? "fails" : "ok";
    if (r->status >= 128 && r->status != ref->status)
        return "crashed";
    return r->status == ref->status && same_tap(ref->out, r->out) ? "agree" : "differs";
}

static void explain(const struct result *ref, const struct result *r, struct run *run, char *program)
{
    char *a = strdup(ref->out), *b = strdup(r->out), *sa, *sb;
    char *la = strtok_r(a, "\n", &sa), *lb = strtok_r(b, "\n", &sb);

    for (int shown = 0; (la || lb) && shown < 3;) {
        if (!la || !lb || strcmp(la, lb)) {
            printf("      native: %s\n      here:   %s\n", la ? la : "(nothing)", lb ? lb : "(nothing)");
            shown++;
        }
        la = la ? strtok_r(NULL, "\n", &sa) : NULL;
        lb = lb ? strtok_r(NULL, "\n", &sb) : NULL;
    }
    printf("      repeat:");
    for (int i = 0; i < run->nargs; i++)
        printf(" %s", run->args[i]);
    printf(" %s\n", program);
    free(a);
    free(b);
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, known = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--run") && i + 1 < argc)
            add_run(argv[++i]);
        else if (!strcmp(argv[i], "--json") && i + 1 < argc)
            json_path = argv[++i];
        else if (!strcmp(argv[i], "--known") && i + 1 < argc)
            known_path = argv[++i];
        else if (!strcmp(argv[i], "--only") && i + 1 < argc)
            only = argv[++i];
        else if (!strcmp(argv[i], "--timeout") && i + 1 < argc)
            timeout_s = atoi(argv[++i]);
        else if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else {
            fprintf(stderr, "conform: unexpected argument '%s'\n", argv[i]);
            return 2;
        }
    }
    if (!dir || !nruns) {
        fprintf(stderr, "usage: conform --run NAME=PREFIX ... [--known FILE] [--json FILE] [--only TEXT] "
                        "[--timeout SEC] DIR\n");
        return 2;
    }
    nftw(dir, collect, 16, 0);
    qsort(programs, (size_t)nprograms, sizeof(*programs), by_name);
    FILE *json = json_path ? fopen(json_path, "w") : NULL;
    if (json)
        fputs("[", json);
    for (int i = 0; i < nprograms; i++) {
        struct result res[RUNS_MAX];
        const char *name = programs[i] + strlen(dir) + (programs[i][strlen(dir)] == '/');
        int bad = 0, excused = 0;
        if (json)
            fprintf(json, "%s\n{\"program\":\"%s\"", i ? "," : "", name);
        printf("%-44s", name);
        for (int k = 0; k < nruns; k++) {
            res[k] = execute(&runs[k], programs[i]);
            const char *v = verdict(&res[0], &res[k]);
            int differs = strcmp(v, "ok") && strcmp(v, "agree");
            if (differs && is_known(runs[k].name, name))
                excused++;
            else
                bad += differs;
            printf(" %s:%-8s", runs[k].name, v);
            if (json)
                fprintf(json, ",\"%s\":\"%s\"", runs[k].name, v);
        }
        printf("\n");
        for (int k = 1; bad && k < nruns; k++)
            if (strcmp(verdict(&res[0], &res[k]), "agree"))
                explain(&res[0], &res[k], &runs[k], programs[i]);
        for (int k = 0; k < nruns; k++)
            free(res[k].out);
        if (json)
            fputs("}", json);
        fflush(stdout);
        failed += bad > 0;
        known += !bad && excused;
        passed += !bad && !excused;
    }
    if (json) {
        fputs("\n]\n", json);
        fclose(json);
    }
    if (known)
        printf("%d programs differ in a known way\n", known);
    printf("%d passed, %d failed, %d skipped\n", passed, failed, known);
    return failed || !nprograms;
}
