/*
 * Settings of `make SAN=1`; empty otherwise. LeakSanitizer is off in nv, on in unit tests: its
 * tracer could not run behind the seccomp filter, where base/leaks.c stands for it; the commands
 * keep their options and the sandbox's specification until they exit.
 */
#include "runsc-cli/sanitizer.h"

#if NV_ASAN
#include <sanitizer/common_interface_defs.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_abort=1:color=never";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:color=never";
}
void sanitizer_prepare(void)
{
    char line[256];

    /* Reads the executable's debug information, which it keeps. */
    __sanitizer_symbolize_pc((void *)sanitizer_prepare, "%f", line, sizeof(line));
}
#else
void sanitizer_prepare(void)
{
}
#endif
