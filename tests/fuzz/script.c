/* The first line of a script. */
#include "sentry/kernel/exec_syscall.c"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char buf[BINPRM_BUF + 1] = {0}, *interp = NULL, *arg = NULL;

    memcpy(buf, data, size < BINPRM_BUF ? size : BINPRM_BUF);
    if (parse_script(buf, &interp, &arg) <= 0)
        return 0;
    REQUIRE(interp > buf && interp < buf + BINPRM_BUF && *interp);
    REQUIRE(!strpbrk(interp, " \t"));
    REQUIRE(!arg || (arg > interp && arg < buf + BINPRM_BUF && *arg));
    return 0;
}
