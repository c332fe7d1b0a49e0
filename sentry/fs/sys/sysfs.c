/* sysfs, as far as programs read it: CPUs and nodes, memory management, the loopback device. */
#include "sentry/fs/sys/sys.h"

#define CONST_FILE(fn, text)                                                                       \
    static int fn(struct task *t, struct strbuf *out)                                              \
    {                                                                                              \
        strbuf_puts(out, text "\n");                                                               \
        return 0;                                                                                  \
    }
CONST_FILE(fill_thp, "always [madvise] never")
CONST_FILE(fill_thp_defrag, "always defer defer+madvise [madvise] never")
CONST_FILE(fill_thp_shmem, "always within_size advise [never] deny force")
CONST_FILE(fill_thp_size, "2097152")
CONST_FILE(fill_zero, "0")
CONST_FILE(fill_one, "1")
CONST_FILE(fill_lo_address, "00:00:00:00:00:00")
CONST_FILE(fill_lo_flags, "0x9")
CONST_FILE(fill_lo_mtu, "65536")
CONST_FILE(fill_lo_type, "772")
CONST_FILE(fill_lo_queue, "1000")
CONST_FILE(fill_unknown, "unknown")

static int fill_empty(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "");
    return 0;
}

static const struct proc_entry none[] = {{0}};

/* --- /sys/devices; system_entries gets what depends on the number of CPUs --- */
static struct proc_entry system_entries[] = {SYS_DIR("cpu", none), SYS_DIR("node", none), {0}};
static const struct proc_entry lo_statistics[] = {SYS_FILE("rx_bytes", fill_zero),
                                                  SYS_FILE("rx_dropped", fill_zero),
                                                  SYS_FILE("rx_errors", fill_zero),
                                                  SYS_FILE("rx_packets", fill_zero),
                                                  SYS_FILE("tx_bytes", fill_zero),
                                                  SYS_FILE("tx_dropped", fill_zero),
                                                  SYS_FILE("tx_errors", fill_zero),
                                                  SYS_FILE("tx_packets", fill_zero),
                                                  {0}};
static const struct proc_entry lo_entries[] = {
    SYS_FILE("address", fill_lo_address), SYS_FILE("broadcast", fill_lo_address),
    SYS_FILE("carrier", fill_one),        SYS_FILE("dev_id", fill_zero),
    SYS_FILE("flags", fill_lo_flags),     SYS_FILE("ifalias", fill_empty),
    SYS_FILE("ifindex", fill_one),        SYS_FILE("iflink", fill_one),
    SYS_FILE("mtu", fill_lo_mtu),         SYS_FILE("operstate", fill_unknown),
    SYS_DIR("statistics", lo_statistics), SYS_FILE("tx_queue_len", fill_lo_queue),
    SYS_FILE("type", fill_lo_type),       {0}};
static const struct proc_entry net_entries[] = {SYS_DIR("lo", lo_entries), {0}};
static const struct proc_entry virtual_entries[] = {SYS_DIR("net", net_entries), {0}};
static const struct proc_entry devices_entries[] = {
    SYS_DIR("system", system_entries), SYS_DIR("virtual", virtual_entries), {0}};

/* --- /sys/class --- */
static int target_lo(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "../../devices/virtual/net/lo");
    return 0;
}

static const struct proc_entry class_net_entries[] = {
    {.name = "lo", .kind = PROC_LINK, .mode = 0777, .target = target_lo}, {0}};
static const struct proc_entry class_entries[] = {
    SYS_DIR("block", none), SYS_DIR("net", class_net_entries), {0}};

static const struct proc_entry dev_entries[] = {SYS_DIR("block", none), SYS_DIR("char", none), {0}};

/* --- /sys/kernel --- */
static const struct proc_entry huge_entries[] = {
    SYS_FILE("free_hugepages", fill_zero),          SYS_FILE("nr_hugepages", fill_zero),
    SYS_FILE("nr_overcommit_hugepages", fill_zero), SYS_FILE("resv_hugepages", fill_zero),
    SYS_FILE("surplus_hugepages", fill_zero),       {0}};
static const struct proc_entry hugepages_entries[] = {SYS_DIR("hugepages-2048kB", huge_entries),
                                                      {0}};
static const struct proc_entry thp_entries[] = {
    SYS_FILE("defrag", fill_thp_defrag),       SYS_FILE("enabled", fill_thp),
    SYS_FILE("hpage_pmd_size", fill_thp_size), SYS_FILE("shmem_enabled", fill_thp_shmem),
    SYS_FILE("use_zero_page", fill_one),       {0}};
static const struct proc_entry mm_entries[] = {
    SYS_DIR("hugepages", hugepages_entries), SYS_DIR("transparent_hugepage", thp_entries), {0}};
static const struct proc_entry kernel_entries[] = {SYS_DIR("mm", mm_entries), {0}};

static const struct proc_entry fs_entries[] = {SYS_DIR("cgroup", none), {0}};

const struct proc_entry sys_root_entries[] = {SYS_DIR("block", none),
                                              SYS_DIR("bus", none),
                                              SYS_DIR("class", class_entries),
                                              SYS_DIR("dev", dev_entries),
                                              SYS_DIR("devices", devices_entries),
                                              SYS_DIR("firmware", none),
                                              SYS_DIR("fs", fs_entries),
                                              SYS_DIR("kernel", kernel_entries),
                                              SYS_DIR("module", none),
                                              {0}};

void sys_tables_init(void)
{
    system_entries[0].children = sys_cpu_entries();
    system_entries[1].children = sys_node_entries();
}
