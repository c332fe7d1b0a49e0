/* The gofer process: serves host files beneath exported roots. */
#ifndef NV_GOFER_GOFER_H
#define NV_GOFER_GOFER_H

#include <stdbool.h>

#include "base/error.h"

#define GOFER_EXPORTS_MAX 64

struct gofer_export {
    int fd; /* root: an O_PATH or detached mount descriptor; -1: there is none */
    bool readonly;
};

struct gofer_config {
    int sock;
    struct gofer_export exports[GOFER_EXPORTS_MAX];
    int nexports;
    bool spin; /* there is a processor to wait for the next request on */
};

/*
 * The root of an export as a detached copy of the mounts below path, read-only if asked. Needs
 * CAP_SYS_ADMIN over the mount namespace. A descriptor or negative errno with e set.
 */
int gofer_export_prepare(const char *path, bool readonly, struct error *e);
/* In an empty root: gives up what file service does not need, installs the seccomp filter. */
int gofer_enter_jail(const struct gofer_config *cfg, struct error *e);
/* Serves until the socket closes. */
int gofer_serve(const struct gofer_config *cfg);

#endif
