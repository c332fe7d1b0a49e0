/* See cpu.h. */
#include "ckpt/cpu_internal.h"

#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

const uint32_t cpu_leaves[NLEAVES][2] = {
    [L_1] = {1, 0},     [L_7] = {7, 0},           [L_7_1] = {7, 1},
    [L_D_1] = {0xd, 1}, [L_X1] = {0x80000001, 0}, [L_X8] = {0x80000008, 0},
};

#define X87_SSE CPU_X87_SSE
#define AVX 4ULL
#define AVX512 0xe0ULL
#define PKRU 0x200ULL
#define AMX 0x60000ULL

static const struct cpu_feature table[] = {
    {"fpu", L_1, EDX, 0, 1, 0},
    {"tsc", L_1, EDX, 4, 1, 0},
    {"cx8", L_1, EDX, 8, 1, 0},
    {"cmov", L_1, EDX, 15, 1, 0},
    {"clflush", L_1, EDX, 19, 1, 0},
    {"mmx", L_1, EDX, 23, 1, 0},
    {"fxsr", L_1, EDX, 24, 1, 0},
    {"sse", L_1, EDX, 25, 1, 0},
    {"sse2", L_1, EDX, 26, 1, 0},
    {"syscall", L_X1, EDX, 11, 1, 0},
    {"lm", L_X1, EDX, 29, 1, 0},
    {"pni", L_1, ECX, 0, 2, 0}, /* SSE3 */
    {"ssse3", L_1, ECX, 9, 2, 0},
    {"cx16", L_1, ECX, 13, 2, 0},
    {"sse4_1", L_1, ECX, 19, 2, 0},
    {"sse4_2", L_1, ECX, 20, 2, 0},
    {"popcnt", L_1, ECX, 23, 2, 0},
    {"lahf_lm", L_X1, ECX, 0, 2, 0},
    {"fma", L_1, ECX, 12, 3, AVX},
    {"movbe", L_1, ECX, 22, 3, 0},
    {"xsave", L_1, ECX, 26, 3, 0},
    {"avx", L_1, ECX, 28, 3, AVX},
    {"f16c", L_1, ECX, 29, 3, AVX},
    {"bmi1", L_7, EBX, 3, 3, 0},
    {"avx2", L_7, EBX, 5, 3, AVX},
    {"bmi2", L_7, EBX, 8, 3, 0},
    {"abm", L_X1, ECX, 5, 3, 0}, /* LZCNT */
    {"avx512f", L_7, EBX, 16, 4, AVX | AVX512},
    {"avx512dq", L_7, EBX, 17, 4, AVX | AVX512},
    {"avx512cd", L_7, EBX, 28, 4, AVX | AVX512},
    {"avx512bw", L_7, EBX, 30, 4, AVX | AVX512},
    {"avx512vl", L_7, EBX, 31, 4, AVX | AVX512},
    {"pclmulqdq", L_1, ECX, 1, 5, 0},
    {"aes", L_1, ECX, 25, 5, 0},
    {"rdrand", L_1, ECX, 30, 5, 0},
    {"fsgsbase", L_7, EBX, 0, 5, 0},
    {"hle", L_7, EBX, 4, 5, 0},
    {"erms", L_7, EBX, 9, 5, 0},
    {"rtm", L_7, EBX, 11, 5, 0},
    {"rdseed", L_7, EBX, 18, 5, 0},
    {"adx", L_7, EBX, 19, 5, 0},
    {"avx512ifma", L_7, EBX, 21, 5, AVX | AVX512},
    {"clflushopt", L_7, EBX, 23, 5, 0},
    {"clwb", L_7, EBX, 24, 5, 0},
    {"sha_ni", L_7, EBX, 29, 5, 0},
    {"avx512vbmi", L_7, ECX, 1, 5, AVX | AVX512},
    {"ospke", L_7, ECX, 4, 5, PKRU},
    {"waitpkg", L_7, ECX, 5, 5, 0},
    {"avx512_vbmi2", L_7, ECX, 6, 5, AVX | AVX512},
    {"gfni", L_7, ECX, 8, 5, 0},
    {"vaes", L_7, ECX, 9, 5, AVX},
    {"vpclmulqdq", L_7, ECX, 10, 5, AVX},
    {"avx512_vnni", L_7, ECX, 11, 5, AVX | AVX512},
    {"avx512_bitalg", L_7, ECX, 12, 5, AVX | AVX512},
    {"avx512_vpopcntdq", L_7, ECX, 14, 5, AVX | AVX512},
    {"rdpid", L_7, ECX, 22, 5, 0},
    {"cldemote", L_7, ECX, 25, 5, 0},
    {"movdiri", L_7, ECX, 27, 5, 0},
    {"movdir64b", L_7, ECX, 28, 5, 0},
    {"fsrm", L_7, EDX, 4, 5, 0},
    {"avx512_vp2intersect", L_7, EDX, 8, 5, AVX | AVX512},
    {"serialize", L_7, EDX, 14, 5, 0},
    {"amx_bf16", L_7, EDX, 22, 5, AMX},
    {"avx512_fp16", L_7, EDX, 23, 5, AVX | AVX512},
    {"amx_tile", L_7, EDX, 24, 5, AMX},
    {"amx_int8", L_7, EDX, 25, 5, AMX},
    {"avx_vnni", L_7_1, EAX, 4, 5, AVX},
    {"avx512_bf16", L_7_1, EAX, 5, 5, AVX | AVX512},
    {"avx_ifma", L_7_1, EAX, 23, 5, AVX},
    {"xsaveopt", L_D_1, EAX, 0, 5, 0},
    {"xsavec", L_D_1, EAX, 1, 5, 0},
    {"xgetbv1", L_D_1, EAX, 2, 5, 0},
    {"sse4a", L_X1, ECX, 6, 5, 0},
    {"misalignsse", L_X1, ECX, 7, 5, 0},
    {"3dnowprefetch", L_X1, ECX, 8, 5, 0},
    {"xop", L_X1, ECX, 11, 5, AVX},
    {"fma4", L_X1, ECX, 16, 5, AVX},
    {"tbm", L_X1, ECX, 21, 5, 0},
    {"mmxext", L_X1, EDX, 22, 5, 0},
    {"rdtscp", L_X1, EDX, 27, 5, 0},
    {"clzero", L_X8, EBX, 0, 5, 0},
};
_Static_assert(ARRAY_SIZE(table) <= 64 * CPU_WORDS, "one bit a row");
const struct cpu_feature *const cpu_table = table;
const size_t cpu_table_len = ARRAY_SIZE(table);

static bool get(const struct cpu_features *f, size_t i)
{
    return cpu_get(f, i);
}

static void set(struct cpu_features *f, size_t i)
{
    f->bits[i / 64] |= 1ULL << (i % 64);
}

/* Each CPUID leaves a virtual machine: every leaf is read once. */
static void read_leaves(unsigned int r[NLEAVES][4])
{
    unsigned int max = 0, max_extended = 0, skip[3];

    __cpuid(0, max, skip[0], skip[1], skip[2]);
    __cpuid(0x80000000, max_extended, skip[0], skip[1], skip[2]);
    for (int i = 0; i < NLEAVES; i++) {
        memset(r[i], 0, sizeof(r[i]));
        if (cpu_leaves[i][0] <= (cpu_leaves[i][0] < 0x80000000 ? max : max_extended))
            __cpuid_count(cpu_leaves[i][0], cpu_leaves[i][1], r[i][EAX], r[i][EBX], r[i][ECX],
                          r[i][EDX]);
    }
}

/* What the kernel has enabled; the SSE state is there without XSAVE, too. */
static uint64_t enabled_state(const unsigned int leaf1[4])
{
    unsigned int lo, hi;

    if (!(leaf1[ECX] & bit_OSXSAVE))
        return X87_SSE;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* The standard format: SDM volume 1, 13.4. */
uint64_t cpu_xsave_size(uint64_t xsave)
{
    uint64_t size = 512 + 64;
    unsigned int r[4];

    for (unsigned int i = 2; i < 63; i++) {
        if (!(xsave >> i & 1))
            continue;
        __cpuid_count(0xd, i, r[EAX], r[EBX], r[ECX], r[EDX]);
        size = MAX(size, (uint64_t)r[EAX] + r[EBX]);
    }
    return size;
}

void cpu_host(struct cpu_features *f)
{
    unsigned int r[NLEAVES][4];

    read_leaves(r);
    *f = (struct cpu_features){.xsave = enabled_state(r[L_1])};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const struct cpu_feature *t = &table[i];
        if (r[t->leaf][t->reg] >> t->bit & 1 && !(t->xsave & ~f->xsave))
            set(f, i);
    }
}

int cpu_level(const char *level, char name[CPU_LEVEL_MAX], struct cpu_features *f, struct error *e)
{
    struct cpu_features host;
    const char *v = level ? level : "host";
    unsigned int n;

    cpu_host(&host);
    snprintf(name, CPU_LEVEL_MAX, "host");
    if (!strcmp(v, "host")) {
        *f = host;
        return 0;
    }
    v += strncmp(v, "x86-64-", 7) ? 0 : 7;
    if (v[0] != 'v' || v[1] < '2' || v[1] > '4' || v[2]) {
        error_say(e, -EINVAL, "--cpu %s: not known", level);
        error_hint(e, "choose " CPU_LEVELS);
        return -EINVAL;
    }
    snprintf(name, CPU_LEVEL_MAX, "x86-64-%s", v);
    n = (unsigned int)(v[1] - '0');
    *f = (struct cpu_features){.xsave = X87_SSE | (n >= 3 ? AVX : 0) | (n >= 4 ? AVX512 : 0)};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].level > n)
            continue;
        set(f, i);
        if (get(&host, i))
            continue;
        error_say(e, -ENOTSUP, "--cpu %s: this host lacks %s", level, table[i].name);
        error_hint(e, "choose a lower level, or host");
        return -ENOTSUP;
    }
    return 0;
}

int cpu_describe(struct manifest *m, const char *level, const struct cpu_features *f,
                 struct error *e)
{
    m->cpu_level = strdup(level);
    m->xsave_features = f->xsave;
    m->xsave_size = cpu_xsave_size(f->xsave);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (get(f, i) && manifest_list_add(&m->cpu_features, table[i].name))
            return error_set(e, -ENOMEM, "describing the CPU");
    return m->cpu_level ? 0 : error_set(e, -ENOMEM, "describing the CPU");
}

void cpu_of_manifest(const struct manifest *m, struct cpu_features *f)
{
    *f = (struct cpu_features){.xsave = m->xsave_features};
    for (unsigned int k = 0; k < m->cpu_features.n; k++)
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
            if (!strcmp(table[i].name, m->cpu_features.v[k]))
                set(f, i);
}

static int lacking(const char *what, struct error *e)
{
    error_say(e, -ENOTSUP, "the image needs %s which this host lacks", what);
    error_hint(e, "restore it where there is %s, or make it again here", what);
    return -ENOTSUP;
}

int cpu_check_against(const struct manifest *m, const struct cpu_features *host, struct error *e)
{
    static const struct {
        uint64_t component;
        const char *name;
    } states[] = {{AVX, "the AVX state"},
                  {AVX512, "the AVX-512 state"},
                  {PKRU, "protection keys"},
                  {AMX, "the AMX state"}};

    for (unsigned int i = 0; i < m->cpu_features.n; i++)
        if (!cpu_has(host, m->cpu_features.v[i]))
            return lacking(m->cpu_features.v[i], e);
    uint64_t missing = m->xsave_features & ~host->xsave;
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (missing & states[i].component)
            return lacking(states[i].name, e);
    return missing ? lacking("register state", e) : 0;
}

int cpu_check(const struct manifest *m, struct error *e)
{
    struct cpu_features host;

    cpu_host(&host);
    return cpu_check_against(m, &host, e);
}
