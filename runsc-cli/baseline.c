/* See baseline.h. */
#include "runsc-cli/baseline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "ckpt/cpu.h"
#include "runsc-cli/cli.h"

#define TUNABLE "glibc.cpu.hwcaps="

/* Names that runtimes have for features; those without a feature belong to no level. */
struct name {
    const char *name, *feature;
};

/* glibc 2.26 and later; names that a version does not know it ignores. */
static const struct name glibc_names[] = {
    {"AVX", "avx"},           {"AVX2", "avx2"},
    {"AVX512BW", "avx512bw"}, {"AVX512CD", "avx512cd"},
    {"AVX512DQ", "avx512dq"}, {"AVX512ER", NULL},
    {"AVX512F", "avx512f"},   {"AVX512PF", NULL},
    {"AVX512VL", "avx512vl"}, {"AVX_Fast_Unaligned_Load", "avx2"},
    {"BMI1", "bmi1"},         {"BMI2", "bmi2"},
    {"ERMS", "erms"},         {"FMA", "fma"},
    {"FMA4", "fma4"},         {"FSRM", "fsrm"},
    {"LZCNT", "abm"},         {"MOVBE", "movbe"},
    {"RTM", "rtm"},           {"XSAVE", "xsave"},
    {"XSAVEC", "xsavec"},
};

/* V8's, on the command line: NODE_OPTIONS does not take them. */
static const struct name v8_names[] = {
    {"avx", "avx"},   {"avx2", "avx2"}, {"fma3", "fma"},
    {"bmi1", "bmi1"}, {"bmi2", "bmi2"}, {"lzcnt", "abm"},
};
_Static_assert(ARRAY_SIZE(v8_names) < NODE_FLAGS_MAX, "room in argv");

static bool may_use(const struct sandbox_spec *s, const struct name *n)
{
    return n->feature && cpu_has(&s->cpu, n->feature);
}

static bool must_tell(const struct sandbox_spec *s)
{
    return s->cpu_limited && !s->cpu_hidden;
}

/* --- the environment --- */
static char **find_variable(char **envp, const char *name)
{
    size_t n = strlen(name);

    for (; *envp; envp++)
        if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
            break;
    return envp;
}

/* Ours come last: they are added to what there is for the same tunable, and to other tunables. */
static char *glibc_tunables(const struct sandbox_spec *s, const char *have)
{
    cleanup_strbuf struct strbuf b = STRBUF_INIT, list = STRBUF_INIT;
    const char *same = have ? strstr(have, TUNABLE) : NULL;

    for (size_t i = 0; i < ARRAY_SIZE(glibc_names); i++)
        if (!may_use(s, &glibc_names[i]))
            strbuf_printf(&list, "%s-%s", list.len ? "," : "", glibc_names[i].name);
    if (same) {
        size_t head = (size_t)(same - have) + strcspn(same, ":");
        strbuf_printf(&b, "GLIBC_TUNABLES=%.*s,%s%s", (int)head, have, list.data, have + head);
    } else {
        strbuf_printf(&b, "GLIBC_TUNABLES=%s%s" TUNABLE "%s", have ? have : "",
                      have && *have ? ":" : "", list.data);
    }
    return b.failed || list.failed ? NULL : steal_ptr(&b.data);
}

/* OPENSSL_ia32cap(3): ~ clears the bits of two vectors, leaf 1 (edx, ecx) and leaf 7 (ebx, ecx). */
static char *openssl_mask(const struct sandbox_spec *s)
{
    uint32_t one[4] = {~0U, ~0U, ~0U, ~0U}, seven[4] = {~0U, ~0U, ~0U, ~0U};
    char *out;

    cpu_filter_cpuid(&s->cpu, 1, 0, one);
    cpu_filter_cpuid(&s->cpu, 7, 0, seven);
    if (asprintf(&out, "OPENSSL_ia32cap=~0x%llx:~0x%llx",
                 (unsigned long long)~one[2] << 32 | (uint32_t)~one[3],
                 (unsigned long long)~seven[2] << 32 | (uint32_t)~seven[1]) < 0)
        return NULL;
    return out;
}

/* simdutf, which Node converts text with. Its icelake needs more than x86-64-v4. */
static char *simdutf_choice(const struct sandbox_spec *s)
{
    char *out;

    if (asprintf(&out, "SIMDUTF_FORCE_IMPLEMENTATION=%s",
                 cpu_has(&s->cpu, "avx2") ? "haswell" : "westmere") < 0)
        return NULL;
    return out;
}

static int tell_runtimes(struct sandbox_spec *s)
{
    int n = 0;

    while (s->envp[n])
        n++;
    char **envp = calloc((size_t)n + 4, sizeof(char *));
    if (!envp)
        return -ENOMEM;
    memcpy(envp, s->envp, (size_t)n * sizeof(char *));
    free(s->envp); /* the strings are the caller's */
    s->envp = envp;
    char **tunables = find_variable(envp, "GLIBC_TUNABLES");
    *tunables = glibc_tunables(s, *tunables ? *tunables + sizeof("GLIBC_TUNABLES") : NULL);
    bool failed = !*tunables;
    if (!*find_variable(envp, "OPENSSL_ia32cap"))
        failed |= !(*find_variable(envp, "OPENSSL_ia32cap") = openssl_mask(s));
    if (!*find_variable(envp, "SIMDUTF_FORCE_IMPLEMENTATION"))
        failed |= !(*find_variable(envp, "SIMDUTF_FORCE_IMPLEMENTATION") = simdutf_choice(s));
    return failed ? -ENOMEM : 0;
}

/* --- the rest --- */
int baseline_set(struct sandbox_spec *s, const char *level, struct error *e)
{
    int err = 0;

    snprintf(s->cpu_level, sizeof(s->cpu_level), "host");
    s->cpu_limited = level && strcmp(level, "host") != 0;
    if (s->cpu_limited) /* else the CPU is not asked: under a hypervisor that takes long */
        err = cpu_level(level, s->cpu_level, &s->cpu, e);
    if (err)
        return err == -EINVAL ? EXIT_USAGE : EXIT_NV;
    s->cpu_hidden = s->cpu_limited && cpu_can_hide();
    if (!must_tell(s))
        return 0;
    return tell_runtimes(s) ? error_set(e, -ENOMEM, "--cpu %s", level), EXIT_NV : 0;
}

void baseline_restored(struct sandbox_spec *s, const struct manifest *m)
{
    snprintf(s->cpu_level, sizeof(s->cpu_level), "%s", m->cpu_level ? m->cpu_level : "host");
    s->cpu_limited = strcmp(s->cpu_level, "host") != 0;
    if (s->cpu_limited)
        cpu_of_manifest(m, &s->cpu);
    /* What it has found before the checkpoint stays in its memory. */
    s->cpu_hidden = s->cpu_limited && m->cpu_enforced && cpu_can_hide();
}

void baseline_warn(const struct sandbox_spec *s)
{
    if (!must_tell(s))
        return;
    fprintf(stderr,
            "nv: --cpu %s: this host cannot make CPUID fault, so programs that ask the CPU "
            "themselves still see all of it.\n"
            "nv: hint: glibc, OpenSSL, simdutf and V8 are told by their settings; other code that "
            "chooses by CPUID may\n"
            "nv: hint: use more than the image says it needs, and crash on a host that lacks it\n",
            s->cpu_level);
}

bool baseline_is(const struct manifest *m, const char *level)
{
    const char *have = m->cpu_level ? m->cpu_level : "host", *want = level ? level : "host";
    const char *tail = strncmp(have, "x86-64-", 7) ? have : have + 7;

    return !strcmp(have, want) || !strcmp(tail, want);
}

int baseline_node_flags(const struct sandbox_spec *s, char **argv)
{
    int n = 0;

    for (size_t i = 0; must_tell(s) && i < ARRAY_SIZE(v8_names); i++)
        if (!may_use(s, &v8_names[i]) &&
            asprintf(&argv[n], "--no-enable-%s", v8_names[i].name) >= 0)
            n++;
    return n;
}
