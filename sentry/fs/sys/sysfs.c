/* sysfs, as far as programs read it: CPUs and the page size of transparent huge pages. */
#include "sentry/fs/proc/proc.h"
#include "sentry/sandbox.h"

static int fill_cpus(struct task *t, struct strbuf *out)
{
    if (sandbox->ncpus > 1)
        strbuf_printf(out, "0-%d\n", sandbox->ncpus - 1);
    else
        strbuf_puts(out, "0\n");
    return 0;
}

static int fill_node(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "0\n");
    return 0;
}

static int fill_kernel_max(struct task *t, struct strbuf *out)
{
    strbuf_printf(out, "%d\n", sandbox->ncpus - 1);
    return 0;
}

static int fill_thp(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "always [madvise] never\n");
    return 0;
}

static int fill_thp_size(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "2097152\n");
    return 0;
}

#define F(n, f)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_FILE, .mode = 0444, .fill = (f)                                  \
    }
#define D(n, c)                                                                                    \
    {                                                                                              \
        .name = (n), .kind = PROC_DIR, .mode = 0755, .children = (c)                               \
    }

static const struct proc_entry cpu_entries[] = {F("kernel_max", fill_kernel_max),
                                                F("online", fill_cpus),
                                                F("possible", fill_cpus),
                                                F("present", fill_cpus),
                                                {0}};
static const struct proc_entry node_entries[] = {
    F("online", fill_node), F("possible", fill_node), {0}};
static const struct proc_entry system_entries[] = {
    D("cpu", cpu_entries), D("node", node_entries), {0}};
static const struct proc_entry devices_entries[] = {D("system", system_entries), {0}};
static const struct proc_entry thp_entries[] = {
    F("enabled", fill_thp), F("hpage_pmd_size", fill_thp_size), {0}};
static const struct proc_entry mm_entries[] = {D("transparent_hugepage", thp_entries), {0}};
static const struct proc_entry kernel_entries[] = {D("mm", mm_entries), {0}};
static const struct proc_entry cgroup_entries[] = {{0}};
static const struct proc_entry fs_entries[] = {D("cgroup", cgroup_entries), {0}};

const struct proc_entry sys_root_entries[] = {
    D("devices", devices_entries), D("fs", fs_entries), D("kernel", kernel_entries), {0}};
