/* See ground.h. */
#include "runsc-cli/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/empty_root.h"
#include "runsc-cli/spawn.h"

int ground_enter(struct ground *g, bool empty_root, struct error *e)
{
    *g = (struct ground){.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (g->proc < 0)
        return error_set(e, -errno, "/proc");
    if (!empty_root)
        return 0;
    if (unshare(CLONE_NEWNS))
        return error_set(e, -errno, "leaving the host's mounts");
    int err = empty_root_enter(e);
    g->has_empty_root = !err;
    return err;
}

int ground_open_exports(struct ground_exports *x, const struct spawn *s, struct error *e)
{
    x->n = 0;
    for (int i = 0; i <= s->spec.nmounts; i++) {
        const struct sandbox_mount *m = i ? &s->spec.mounts[i - 1] : NULL;
        if (m ? m->image : s->spec.root_image) { /* nothing of it is the gofer's */
            x->fds[x->n++] = -1;
            continue;
        }
        int fd =
            gofer_export_prepare(m ? m->src : s->rootfs, m ? m->readonly : s->spec.root_overlay, e);
        if (fd < 0)
            return fd;
        x->fds[x->n++] = fd;
    }
    return 0;
}

int ground_net_take(struct ground *g, struct error *e)
{
    if (g->nnets) {
        int net = g->nets[--g->nnets];
        if (!setns(net, CLONE_NEWNET))
            return net;
        close(net);
    }
    if (unshare(CLONE_NEWNET))
        return error_set(e, -errno, "making a network namespace");
    int net = openat(g->proc, "self/ns/net", O_RDONLY | O_CLOEXEC);
    return net < 0 ? error_set(e, -errno, "the network namespace") : net;
}

void ground_net_give(struct ground *g, int net)
{
    if (net < 0)
        return;
    if (g->nnets < GROUND_NETS_MAX)
        g->nets[g->nnets++] = net;
    else
        close(net);
}
