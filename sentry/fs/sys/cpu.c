/*
 * /sys/devices/system/cpu and node: Documentation/admin-guide/cputopology.rst of Linux. Each CPU of
 * the sandbox is a core of one package on one node; caches are those that the processor tells any
 * program (CPUID), of which the last level is shared.
 */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/sys/sys.h"
#include "sentry/mm/usage.h"
#include "sentry/sandbox.h"

static void put_list(struct strbuf *out, int first, int last)
{
    if (last > first)
        strbuf_printf(out, "%d-%d\n", first, last);
    else
        strbuf_printf(out, "%d\n", first);
}

/* Words of 32 bits, the highest first, as %*pb prints them. */
static void put_map(struct strbuf *out, int first, int last)
{
    int width = MIN(sandbox->ncpus, 32);

    for (int word = (sandbox->ncpus - 1) / 32; word >= 0; word--) {
        uint32_t bits = 0;
        for (int i = 0; i < 32; i++)
            if (word * 32 + i >= first && word * 32 + i <= last)
                bits |= 1U << i;
        int digits = word == (sandbox->ncpus - 1) / 32 ? ((sandbox->ncpus - 1) % 32) / 4 + 1 : 8;
        strbuf_printf(out, "%0*x%s", width < 32 ? (width + 3) / 4 : digits, bits,
                      word ? "," : "\n");
    }
}

static int fill_all_list(struct task *t, struct strbuf *out)
{
    put_list(out, 0, sandbox->ncpus - 1);
    return 0;
}

static int fill_all_map(struct task *t, struct strbuf *out)
{
    put_map(out, 0, sandbox->ncpus - 1);
    return 0;
}

static int fill_own_list(int cpu, struct strbuf *out)
{
    put_list(out, cpu, cpu);
    return 0;
}

static int fill_own_map(int cpu, struct strbuf *out)
{
    put_map(out, cpu, cpu);
    return 0;
}

static int fill_zero(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "0\n");
    return 0;
}

static int fill_number(int n, struct strbuf *out)
{
    strbuf_printf(out, "%d\n", n);
    return 0;
}

static int fill_empty_line(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "\n");
    return 0;
}

static int fill_not_smt(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "notsupported\n");
    return 0;
}

/* --- caches --- */
struct cache {
    int type; /* 1 data, 2 instructions, 3 both */
    int level, line, partitions, ways, sets;
};
#define CACHES_MAX 8

/* Leaf 4 of Intel's, 0x8000001d of AMD's: the same layout. */
static int caches(struct cache c[CACHES_MAX])
{
    static const uint32_t leaves[] = {4, 0x8000001d};
    uint32_t a, b, cx, d;

    for (size_t k = 0; k < ARRAY_SIZE(leaves); k++) {
        int n = 0;
        while (n < CACHES_MAX && __get_cpuid_count(leaves[k], (uint32_t)n, &a, &b, &cx, &d) &&
               (a & 31) >= 1 && (a & 31) <= 3) {
            uint32_t sets = MIN(cx, 0x7ffffffeU);
            c[n++] = (struct cache){.type = (int)(a & 31),
                                    .level = (int)(a >> 5 & 7),
                                    .line = (int)(b & 0xfff) + 1,
                                    .partitions = (int)(b >> 12 & 0x3ff) + 1,
                                    .ways = (int)(b >> 22) + 1,
                                    .sets = (int)sets + 1};
        }
        if (n)
            return n;
    }
    return 0;
}

/* The number of a file below index/ is CPU * CACHES_MAX + index. */
static struct cache cache_of(int number)
{
    struct cache c[CACHES_MAX];
    int n = caches(c);

    return number % CACHES_MAX < n ? c[number % CACHES_MAX] : (struct cache){0};
}

static int fill_cache_type(int number, struct strbuf *out)
{
    static const char *const names[] = {"Unknown", "Data", "Instruction", "Unified"};

    strbuf_printf(out, "%s\n", names[cache_of(number).type]);
    return 0;
}

static int fill_cache_size(int number, struct strbuf *out)
{
    struct cache c = cache_of(number);
    uint64_t size = (uint64_t)c.line * (uint64_t)c.partitions * (uint64_t)c.ways * (uint64_t)c.sets;

    strbuf_printf(out, "%luK\n", (unsigned long)(size / 1024));
    return 0;
}

#define CACHE_NUMBER(field)                                                                        \
    static int fill_cache_##field(int number, struct strbuf *out)                                  \
    {                                                                                              \
        return fill_number(cache_of(number).field, out);                                           \
    }
CACHE_NUMBER(level)
CACHE_NUMBER(line)
CACHE_NUMBER(partitions)
CACHE_NUMBER(ways)
CACHE_NUMBER(sets)

static int fill_cache_id(int number, struct strbuf *out)
{
    return fill_number(cache_of(number).level >= 3 ? 0 : number / CACHES_MAX, out);
}

static int fill_cache_list(int number, struct strbuf *out)
{
    return cache_of(number).level >= 3 ? fill_all_list(NULL, out)
                                       : fill_own_list(number / CACHES_MAX, out);
}

static int fill_cache_map(int number, struct strbuf *out)
{
    return cache_of(number).level >= 3 ? fill_all_map(NULL, out)
                                       : fill_own_map(number / CACHES_MAX, out);
}

/* --- directories made for this number of CPUs --- */
static struct proc_entry *copy(const struct proc_entry *from, size_t n)
{
    struct proc_entry *e = calloc(n, sizeof(*e));

    if (e)
        memcpy(e, from, n * sizeof(*e));
    return e;
}

static const struct proc_entry *cache_entries(int cpu)
{
    struct cache c[CACHES_MAX];
    int n = caches(c);
    struct proc_entry *dir = calloc((size_t)n + 1, sizeof(*dir));

    for (int k = 0; dir && k < n; k++) {
        static const char *const names[CACHES_MAX] = {"index0", "index1", "index2", "index3",
                                                      "index4", "index5", "index6", "index7"};
        int number = cpu * CACHES_MAX + k;
        const struct proc_entry files[] = {
            SYS_FILE_OF("coherency_line_size", fill_cache_line, number),
            SYS_FILE_OF("id", fill_cache_id, number),
            SYS_FILE_OF("level", fill_cache_level, number),
            SYS_FILE_OF("number_of_sets", fill_cache_sets, number),
            SYS_FILE_OF("physical_line_partition", fill_cache_partitions, number),
            SYS_FILE_OF("shared_cpu_list", fill_cache_list, number),
            SYS_FILE_OF("shared_cpu_map", fill_cache_map, number),
            SYS_FILE_OF("size", fill_cache_size, number),
            SYS_FILE_OF("type", fill_cache_type, number),
            SYS_FILE_OF("ways_of_associativity", fill_cache_ways, number),
            {0}};
        dir[k] = (struct proc_entry)SYS_DIR(names[k], copy(files, ARRAY_SIZE(files)));
    }
    return dir;
}

static const struct proc_entry *topology_entries(int cpu)
{
    const struct proc_entry files[] = {SYS_FILE_OF("cluster_cpus", fill_own_map, cpu),
                                       SYS_FILE_OF("cluster_cpus_list", fill_own_list, cpu),
                                       SYS_FILE_OF("cluster_id", fill_number, 65535),
                                       SYS_FILE_OF("core_cpus", fill_own_map, cpu),
                                       SYS_FILE_OF("core_cpus_list", fill_own_list, cpu),
                                       SYS_FILE_OF("core_id", fill_number, cpu),
                                       SYS_FILE("core_siblings", fill_all_map),
                                       SYS_FILE("core_siblings_list", fill_all_list),
                                       SYS_FILE("die_cpus", fill_all_map),
                                       SYS_FILE("die_cpus_list", fill_all_list),
                                       SYS_FILE("die_id", fill_zero),
                                       SYS_FILE("package_cpus", fill_all_map),
                                       SYS_FILE("package_cpus_list", fill_all_list),
                                       SYS_FILE("physical_package_id", fill_zero),
                                       SYS_FILE_OF("thread_siblings", fill_own_map, cpu),
                                       SYS_FILE_OF("thread_siblings_list", fill_own_list, cpu),
                                       {0}};

    return copy(files, ARRAY_SIZE(files));
}

static const struct proc_entry smt_entries[] = {
    SYS_FILE("active", fill_zero), SYS_FILE("control", fill_not_smt), {0}};

static int fill_kernel_max(struct task *t, struct strbuf *out)
{
    return fill_number(sandbox->ncpus - 1, out);
}

const struct proc_entry *sys_cpu_entries(void)
{
    static const struct proc_entry fixed[] = {
        SYS_FILE("isolated", fill_empty_line), SYS_FILE("kernel_max", fill_kernel_max),
        SYS_FILE("offline", fill_empty_line),  SYS_FILE("online", fill_all_list),
        SYS_FILE("possible", fill_all_list),   SYS_FILE("present", fill_all_list),
        SYS_DIR("smt", smt_entries),           {0}};
    static struct proc_entry *made;
    size_t nfixed = ARRAY_SIZE(fixed) - 1, ncpus = (size_t)sandbox->ncpus;

    if (made)
        return made;
    char(*names)[32] = calloc(ncpus, sizeof(*names));
    made = calloc(nfixed + ncpus + 1, sizeof(*made));
    if (!made || !names) {
        free(names);
        free(made);
        made = NULL;
        return fixed;
    }
    memcpy(made, fixed, nfixed * sizeof(*made));
    for (size_t i = 0; i < ncpus; i++) {
        const struct proc_entry dirs[] = {SYS_DIR("cache", cache_entries((int)i)),
                                          SYS_DIR("topology", topology_entries((int)i)),
                                          {0}};
        snprintf(names[i], sizeof(*names), "cpu%zu", i);
        made[nfixed + i] = (struct proc_entry)SYS_DIR(names[i], copy(dirs, ARRAY_SIZE(dirs)));
    }
    return made;
}

/* --- the node --- */
static int fill_distance(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "10\n");
    return 0;
}

static int fill_node_meminfo(struct task *t, struct strbuf *out)
{
    struct memory_usage u = memory_usage();

    strbuf_printf(out,
                  "Node 0 MemTotal:       %8lu kB\nNode 0 MemFree:        %8lu kB\n"
                  "Node 0 MemUsed:        %8lu kB\nNode 0 AnonPages:      %8lu kB\n"
                  "Node 0 Shmem:          %8lu kB\nNode 0 HugePages_Total: %5d\n"
                  "Node 0 HugePages_Free:  %5d\nNode 0 HugePages_Surp:  %5d\n",
                  (unsigned long)u.total / 1024, (unsigned long)u.free / 1024,
                  (unsigned long)(u.total - u.free) / 1024, (unsigned long)u.anonymous / 1024,
                  (unsigned long)u.shmem / 1024, 0, 0, 0);
    return 0;
}

static void ask_memory(struct mm *mm, struct strbuf *host)
{
    memory_usage_ask();
}

static int fill_numastat(struct task *t, struct strbuf *out)
{
    strbuf_puts(out, "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\n"
                     "other_node 0\n");
    return 0;
}

static const struct proc_entry node0_entries[] = {SYS_FILE("cpulist", fill_all_list),
                                                  SYS_FILE("cpumap", fill_all_map),
                                                  SYS_FILE("distance", fill_distance),
                                                  {.name = "meminfo",
                                                   .kind = PROC_FILE,
                                                   .mode = 0444,
                                                   .ask = ask_memory,
                                                   .fill = fill_node_meminfo},
                                                  SYS_FILE("numastat", fill_numastat),
                                                  {0}};
static const struct proc_entry node_entries[] = {SYS_FILE("has_cpu", fill_zero),
                                                 SYS_FILE("has_memory", fill_zero),
                                                 SYS_FILE("has_normal_memory", fill_zero),
                                                 SYS_DIR("node0", node0_entries),
                                                 SYS_FILE("online", fill_zero),
                                                 SYS_FILE("possible", fill_zero),
                                                 {0}};

const struct proc_entry *sys_node_entries(void)
{
    return node_entries;
}
