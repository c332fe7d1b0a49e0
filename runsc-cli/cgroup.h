/* A control group for one sandbox, where a limit asks for one: cgroups(7), versions 1 and 2. */
#ifndef NV_RUNSC_CLI_CGROUP_H
#define NV_RUNSC_CLI_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct cgroup {
    char *dir;   /* owned; NULL: none */
    int version; /* 1 or 2 */
};

/* A group below our own whose members share memory_bytes. 0 or negative errno with e set. */
int cgroup_new(struct cgroup *g, uint64_t memory_bytes, struct error *e);
int cgroup_add(const struct cgroup *g, pid_t pid, struct error *e);
/* How many members the host killed because memory ran out. */
long cgroup_oom_kills(const struct cgroup *g);
/* Its last members may just be ending: waits for them for a moment. */
void cgroup_remove(struct cgroup *g);

#endif
