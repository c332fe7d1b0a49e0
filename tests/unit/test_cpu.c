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
    struct cpu_features host, v2 = {0}, v3 = {0};
    struct error e = ERROR_INIT;

    ck_assert_int_eq(cpu_level("host", &host, &e), 0);
    ck_assert(cpu_has(&host, "sse2") && cpu_has(&host, "syscall") && !cpu_has(&host, "no such"));
    int no_v2 = cpu_level("x86-64-v2", &v2, &e), no_v3 = cpu_level("x86-64-v3", &v3, &e);
    ck_assert(no_v2 || contains(&host, &v2));
    ck_assert(no_v3 || contains(&host, &v3));
    ck_assert(contains(&v3, &v2) || no_v2 || no_v3);
    ck_assert(no_v2 || (cpu_has(&v2, "popcnt") && !cpu_has(&v2, "avx") && v2.xsave == 3));
    ck_assert(no_v3 || (cpu_has(&v3, "avx2") && !cpu_has(&v3, "avx512f") && v3.xsave == 7));
    static const char *const bad[] = {"", "x86-64", "x86-64-v1", "x86-64-v4", "x86-64-v33", "HOST"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(cpu_level(bad[i], &v2, &e), -EINVAL);
    error_free(&e);
}
END_TEST

START_TEST(checks)
{
    cleanup_manifest struct manifest m = {0};
    struct cpu_features host;
    struct error e = ERROR_INIT;

    ck_assert_int_eq(cpu_describe(&m, NULL, &e), 0);
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

UNIT_MAIN("cpu", NULL, NULL, levels, checks)
