/*
 * What many sandboxes are started from, made once by a process that does nothing else: its own root
 * is empty, the directories of each kind of sandbox are opened, and network namespaces, which take
 * longer to make than all other namespaces together, are used one after the other. Nobody in a
 * sandbox has any right over its network namespace, and all of its processes are gone before the
 * next one gets it, so it is as empty as a new one.
 */
#ifndef NV_RUNSC_CLI_GROUND_H
#define NV_RUNSC_CLI_GROUND_H

#include <stdbool.h>

#include "base/error.h"
#include "gofer/gofer.h"

#define GROUND_NETS_MAX 64 /* that wait for a sandbox */

struct ground {
    int proc; /* the host's /proc */
    bool has_empty_root;
    int nets[GROUND_NETS_MAX], nnets;
};

struct ground_exports {
    int fds[GOFER_EXPORTS_MAX], n;
};

/* Of the caller, for good; afterwards it has no files but those it has opened. Needs CAP_SYS_ADMIN.
 */
int ground_enter(struct ground *g, bool empty_root, struct error *e);
struct spawn;
int ground_open_exports(struct ground_exports *x, const struct spawn *s, struct error *e);
/* The caller, and who it forks next, is in a network namespace that nobody else uses: it. */
int ground_net_take(struct ground *g, struct error *e);
/* Its sandbox is gone. */
void ground_net_give(struct ground *g, int net);

#endif
