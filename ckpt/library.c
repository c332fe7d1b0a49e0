/* See library.h. */
#include "ckpt/library.h"

#include <dlfcn.h>
#include <errno.h>

int library_load(const char *soname, const char *package, const struct library_function *f,
                 size_t n, struct error *e)
{
    void *lib = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);

    if (!lib) {
        error_set(e, -ELIBACC, "loading %s", soname);
        error_hint(e, "install it, e.g. apt-get install %s", package);
        return -ELIBACC;
    }
    for (size_t i = 0; i < n; i++) {
        *(void **)f[i].to = dlsym(lib, f[i].name);
        if (!*(void **)f[i].to) {
            error_set(e, -ELIBACC, "%s has no %s", soname, f[i].name);
            error_hint(e, "nv was built with another version of the library: build it here");
            return -ELIBACC;
        }
    }
    return 0;
}
