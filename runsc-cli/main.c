/* nv: the command line. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hwcap.h"
#include "base/log.h"
#include "base/macros.h"
#include "runsc-cli/cli.h"

static const struct verb verbs[] = {
#define VERB(name, fn, args, what) {#name, args, what, fn, false},
#define PLAIN_VERB(name, fn, args, what) {#name, args, what, fn, true},
#include "runsc-cli/verbs.def"
#undef VERB
#undef PLAIN_VERB
};

int usage_error(const char *verb, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "nv %s: ", verb);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nnv: hint: nv %s --help shows the options\n", verb);
    return EXIT_USAGE;
}

static int help(FILE *out)
{
    fprintf(out, "NanoVisor: a sandbox kernel in user space\n\nusage: nv VERB ...\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        fprintf(out, "  nv %s %s\n      %s\n", verbs[i].name, verbs[i].args, verbs[i].what);
    return out == stdout ? 0 : EXIT_USAGE;
}

static bool asks_help(const char *arg)
{
    return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
    if (!v->plain || argc != 2 || !asks_help(argv[1]))
        return v->run(argc, argv);
    printf("usage: nv %s %s\n\n%s\n", v->name, v->args, v->what);
    return 0;
}

/* What we open must not become a standard stream: closed ones are taken by what nothing can read.
 */
static void take_streams(void)
{
    int fd;

    do
        fd = open("/", O_PATH);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

int main(int argc, char **argv)
{
    hwcap_find(argv);
    if (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0)
        take_streams();
    log_debug_enabled = getenv("NV_DEBUG") != NULL;
    if (argc < 2)
        return help(stderr);
    if (asks_help(argv[1]) || !strcmp(argv[1], "help"))
        return help(stdout);
    if (!strcmp(argv[1], "--version")) {
        printf("nv %s\n", NV_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (!strcmp(argv[1], verbs[i].name))
            return run_verb(&verbs[i], argc - 1, argv + 1);
    fprintf(stderr, "nv: unknown verb '%s'\n", argv[1]);
    return help(stderr);
}
