/* Choice of the platform. */
#include "platform/platform.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

const struct platform *platform;

/* In the order of preference. */
static const struct platform *const platforms[] = {&platform_trap, &platform_ptrace};

const struct platform *platform_find(const char *name, struct error *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(platforms); i++) {
        const struct platform *p = platforms[i];
        if (name && strcmp(name, p->name))
            continue;
        if (p->probe(e) == 0)
            return p;
        if (name)
            return NULL;
    }
    if (name) {
        error_set(e, -EINVAL, "unknown platform '%s'", name);
        error_hint(e, "known platforms: trap, ptrace");
    }
    return NULL;
}
