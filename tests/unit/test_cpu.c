/* Features of CPUs: levels contain each other, and what is missing is named. */
#include "ckpt/cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static bool contains(const struct cpu_features *a, const struct cpu_features *b)
{
    bool all = !(b->xsave & ~a->xsave);

    for (int i = 0; i < CPU_WORDS; i++)
        all &= !(b->bits[i] & ~a->bits[i]);
    return all;
}

START_TEST(levels)
{
    struct cpu_features host, v2 = {0}, v3 = {0}, v4 = {0};
    struct error e = ERROR_INIT;

    char name[CPU_LEVEL_MAX];

    ck_assert_int_eq(cpu_level("host", name, &host, &e), 0);
    ck_assert(cpu_has(&host, "sse2") && cpu_has(&host, "syscall") && !cpu_has(&host, "no such"));
    int no_v2 = cpu_level("v2", name, &v2, &e);
    ck_assert(no_v2 || !strcmp(name, "x86-64-v2"));
    int no_v3 = cpu_level("x86-64-v3", name, &v3, &e), no_v4 = cpu_level("v4", name, &v4, &e);
    ck_assert(no_v2 || contains(&host, &v2));
    ck_assert(no_v3 || contains(&host, &v3));
    ck_assert(contains(&v3, &v2) || no_v2 || no_v3);
    ck_assert(no_v2 || (cpu_has(&v2, "popcnt") && !cpu_has(&v2, "avx") && v2.xsave == 3));
    ck_assert(no_v3 || (cpu_has(&v3, "avx2") && !cpu_has(&v3, "avx512f") && v3.xsave == 7));
    ck_assert(no_v4 || (cpu_has(&v4, "avx512vl") && !cpu_has(&v4, "vaes") && v4.xsave == 0xe7));
    static const char *const bad[] = {"", "x86-64", "v1", "x86-64-v5", "x86-64-v33", "HOST"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(cpu_level(bad[i], name, &v2, &e), -EINVAL);
    error_free(&e);
}
END_TEST

START_TEST(checks)
{
    cleanup_manifest struct manifest m = {0};
    struct cpu_features host;
    struct error e = ERROR_INIT;

    cpu_host(&host);
    ck_assert_int_eq(cpu_describe(&m, "host", &host, &e), 0);
    ck_assert_str_eq(m.cpu_level, "host");
    ck_assert(m.xsave_size >= 576 && (m.xsave_features & 3) == 3);
    ck_assert_int_eq(cpu_check(&m, &e), 0);
    cpu_host(&host);
    struct cpu_features less = host;
    memset(less.bits, 0, sizeof(less.bits));
    ck_assert_int_eq(cpu_check_against(&m, &less, &e), -ENOTSUP);
    ck_assert_str_eq(e.what, "the image needs fpu which this host lacks");
    less = host;
    m.xsave_features = 3 | 4;
    less.xsave = 3;
    ck_assert_int_eq(cpu_check_against(&m, &less, &e), -ENOTSUP);
    ck_assert_str_eq(e.what, "the image needs the AVX state which this host lacks");
    m.xsave_features = 3ULL | 1ULL << 50;
    ck_assert_int_eq(cpu_check(&m, &e), -ENOTSUP);
    m.xsave_features = 3;
    ck_assert_int_eq(manifest_list_add(&m.cpu_features, "avx9000"), 0);
    ck_assert_int_eq(cpu_check(&m, &e), -ENOTSUP);
    ck_assert_str_eq(e.what, "the image needs avx9000 which this host lacks");
    error_free(&e);
}
END_TEST

/* Without asking this host: every bit set, filtered. */
static void all_bits(const struct cpu_features *f, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    memset(r, 0xff, 4 * sizeof(r[0]));
    cpu_filter_cpuid(f, leaf, subleaf, r);
}

static struct cpu_features with(const char *const *names, uint64_t xsave)
{
    cleanup_manifest struct manifest m = {.xsave_features = xsave};
    struct cpu_features f;

    for (; *names; names++)
        ck_assert_int_eq(manifest_list_add(&m.cpu_features, *names), 0);
    cpu_of_manifest(&m, &f);
    return f;
}

START_TEST(cpuid_is_filtered)
{
    static const char *const old[] = {"fpu", "sse2", "syscall", "lm", "pni", NULL};
    static const char *const newer[] = {"sse2", "xsave", "avx", "avx2", "bmi1", "abm", NULL};
    struct cpu_features f = with(old, 3), g = with(newer, 7);
    uint32_t r[4];

    all_bits(&f, 1, 0, r);
    ck_assert_uint_eq(r[0], ~0U);                                       /* family, model */
    ck_assert_uint_eq(r[2] & ~(1U << 21 | 1U << 31), 1);                /* SSE3 */
    ck_assert(r[3] & 1U << 26 && !(r[3] & 1U << 25) && r[3] & 1U << 9); /* SSE2, SSE, APIC */
    all_bits(&f, 7, 0, r);
    ck_assert(r[0] == 1 && !r[1] && !r[2] && !r[3]);
    all_bits(&f, 0xd, 0, r);
    ck_assert(!r[0] && !r[1] && !r[2] && !r[3]);
    all_bits(&f, 0x80000001, 0, r);
    ck_assert(!r[2] && r[3] & 1U << 11 && r[3] & 1U << 29 && !(r[3] & 1U << 27));
    all_bits(&g, 1, 0, r);
    ck_assert(r[2] & 1U << 27 && r[2] & 1U << 28 && !(r[2] & 1U << 25)); /* OSXSAVE, AVX, no AES */
    all_bits(&g, 7, 0, r);
    ck_assert_uint_eq(r[1], 1U << 5 | 1U << 3);
    all_bits(&g, 7, 1, r);
    ck_assert(!r[0] && !r[1] && !r[2] && !r[3]);
    all_bits(&g, 0xd, 0, r);
    ck_assert(r[0] == 7 && !r[3] && r[1] == r[2] && r[1] >= 576);
    all_bits(&g, 0xd, 1, r);
    ck_assert(!r[0] && !r[2] && !r[3]); /* no XSAVEC, no XSAVES */
    all_bits(&g, 0xd, 2, r);
    ck_assert_uint_eq(r[0], ~0U);
    all_bits(&g, 0xd, 5, r);
    ck_assert(!r[0] && !r[1]);
    all_bits(&g, 0xd, 70, r);
    ck_assert(!r[0] && !r[1]);
    static const uint32_t hidden[] = {3, 5, 6, 0x14, 0x1d, 0x24, 0x40000001, 0x8000000a, ~0U};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        all_bits(&g, hidden[i], 0, r);
        ck_assert(!(r[0] | r[1] | r[2] | r[3]));
    }
    all_bits(&g, 0x80000004, 0, r);
    ck_assert_uint_eq(r[0], ~0U);
}
END_TEST

START_TEST(flags_and_hwcap)
{
    static const char *const names[] = {"fpu", "sse2", "pni", "avx", NULL};
    struct cpu_features f = with(names, 7);
    char flags[] = "  fpu vme sse sse2 nx unheard_of avx avx2 hypervisor pni ";

    cpu_filter_flags(&f, flags);
    ck_assert_str_eq(flags, "fpu vme sse2 nx avx hypervisor pni");
    char none[] = "avx2 sse";
    cpu_filter_flags(&f, none);
    ck_assert_str_eq(none, "");
    ck_assert_uint_eq(cpu_filter_hwcap(&f, 1U << 26 | 1U << 25 | 1U << 9 | 1),
                      1U << 26 | 1U << 9 | 1);
}
END_TEST

UNIT_MAIN("cpu", NULL, NULL, levels, checks, cpuid_is_filtered, flags_and_hwcap)
