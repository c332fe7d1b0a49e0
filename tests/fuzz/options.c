/* Command line options, mounts, users, events. Arguments are separated by NULs. */
#include "runsc-cli/spec.c"

#include <getopt.h>

#include "tests/fuzz/fuzz.h"

int usage_error(const char *verb, const char *fmt, ...)
{
    return EXIT_USAGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run_options o = {0};
    struct sandbox_spec s = {0};
    struct error e = ERROR_INIT;
    char *argv[34] = {"run"}, *copy = malloc(size + 1);
    int argc = 1;

    memcpy(copy, data, size);
    copy[size] = 0;
    for (char *p = copy; p < copy + size && argc < 32; p += strlen(p) + 1)
        argv[argc++] = p;
    optind = 0;
    if (!options_parse(VERB_RUN, argc, argv, &o)) {
        REQUIRE(o.nmounts <= RUN_MOUNTS_MAX && o.nenv <= RUN_ENV_MAX);
        if (!fill_user(&s, &o, &e))
            fill_mounts(&s, &o, &e);
        for (int i = 0; s.mounts && i < o.nmounts; i++) {
            free(s.mounts[i].src);
            free(s.mounts[i].dst);
        }
        free(s.mounts);
        fill_env(&s, &o);
        free(s.envp);
    }
    error_free(&e);
    free(copy);
    return 0;
}
