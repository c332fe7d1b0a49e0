/* The root record of an image. */
#include <string.h>

#include "sentry/ckpt/state.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/time/clock.h"

static void state_save(struct ckpt_writer *w, void *obj)
{
    struct thread_group *tg;
    uint32_t n = 0;

    list_for_each(tg, &all_thread_groups, all_node)
        n++;
    ckpt_put_u64(w, time_boot_ns());
    ckpt_put_u32(w, n);
    list_for_each(tg, &all_thread_groups, all_node)
        ckpt_put_ref(w, &ckpt_thread_group, tg);
    net_state_save(w, net_state_first());
}

static void state_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    static struct thread_group *listed; /* they are in all_thread_groups by being made */
    struct sandbox_state *s = obj;

    time_set_boot(ckpt_get_u64(r));
    uint32_t n = ckpt_get_count(r, 1 << 16, sizeof(uint32_t));

    while (n--)
        ckpt_get_weak(r, &ckpt_thread_group, &listed);
    if (version > 1)
        net_state_load(r, net_state_first());
    s->nodename[sizeof(s->nodename) - 1] = s->domainname[sizeof(s->domainname) - 1] = 0;
}

static void state_link(struct ckpt_reader *r, void *obj)
{
    const struct sandbox_state *s = obj;

    if (!s->init || s->init->zombie || s->init->parent || !s->mnt)
        ckpt_bad(r, "no first process, or no mounts");
}

static const struct ckpt_field fields[] = {
    CKPT_UINT(struct sandbox_state, guest_mono_ns),
    CKPT_UINT(struct sandbox_state, last_tid),
    CKPT_WEAK(struct sandbox_state, init, &ckpt_thread_group),
    CKPT_REF(struct sandbox_state, mnt, &ckpt_mount_ns),
    CKPT_BYTES(struct sandbox_state, nodename),
    CKPT_BYTES(struct sandbox_state, domainname),
    CKPT_BOOL(struct sandbox_state, nodename_kept),
    CKPT_UINT(struct sandbox_state, channel.generation),
    CKPT_UINT(struct sandbox_state, channel.saves),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct sandbox_state, totals.forks),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct sandbox_state, totals.switches),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct sandbox_state, totals.gone_cpu_ns),
};

const struct ckpt_type ckpt_sandbox = {
    .name = "sandbox",
    .id = CT_SANDBOX,
    .version = 3,
    .size = sizeof(struct sandbox_state),
    CKPT_TABLE(fields),
    .save = state_save,
    .load = state_load,
    .link = state_link,
};
CKPT_TYPE_REGISTER(ckpt_sandbox);
