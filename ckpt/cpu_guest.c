/*
 * See cpu_guest.h. Everything that is not known to be harmless is hidden: a feature that this table
 * does not have belongs to no level.
 */
#include "ckpt/cpu_guest.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "ckpt/cpu_internal.h"

#define ECX1_X2APIC (1U << 21)
#define ECX1_OSXSAVE (1U << 27)
#define ECX1_HYPERVISOR (1U << 31)
#define EDX_NX (1U << 20)
#define EDX_PAGE1GB (1U << 26)

bool cpu_has(const struct cpu_features *f, const char *name)
{
    for (size_t i = 0; i < cpu_table_len; i++)
        if (!strcmp(cpu_table[i].name, name))
            return cpu_get(f, i);
    return false;
}

/* What /proc/cpuinfo says of the machine, not of instructions that programs choose. */
static bool about_the_machine(const char *word, size_t n)
{
    static const char *const words[] = {
        "vme",          "de",           "pse",        "msr",
        "pae",          "mce",          "apic",       "sep",
        "mtrr",         "pge",          "mca",        "pat",
        "pse36",        "pn",           "acpi",       "ss",
        "ht",           "nx",           "pdpe1gb",    "up",
        "constant_tsc", "nopl",         "x2apic",     "pcid",
        "nonstop_tsc",  "tsc_reliable", "cpuid",      "tsc_known_freq",
        "rep_good",     "xtopology",    "hypervisor", "tsc_deadline_timer",
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strlen(words[i]) == n && !memcmp(words[i], word, n))
            return true;
    return false;
}

static bool is_visible(const struct cpu_features *f, const char *word, size_t n)
{
    for (size_t i = 0; i < cpu_table_len; i++)
        if (strlen(cpu_table[i].name) == n && !memcmp(cpu_table[i].name, word, n))
            return cpu_get(f, i);
    return about_the_machine(word, n);
}

void cpu_filter_flags(const struct cpu_features *f, char *flags)
{
    char *to = flags;
    size_t n;

    for (const char *p = flags; *p; p += n) {
        p += strspn(p, " ");
        n = strcspn(p, " ");
        if (!n || !is_visible(f, p, n))
            continue;
        if (to != flags)
            *to++ = ' ';
        memmove(to, p, n);
        to += n;
    }
    *to = 0;
}

/* Bits of rows in this place that f has, and of rows at all. */
static void bits_of(const struct cpu_features *f, enum cpu_leaf leaf, enum cpu_reg reg,
                    uint32_t *has, uint32_t *known)
{
    *has = *known = 0;
    for (size_t i = 0; i < cpu_table_len; i++) {
        if (cpu_table[i].leaf != leaf || cpu_table[i].reg != reg)
            continue;
        *known |= 1U << cpu_table[i].bit;
        if (cpu_get(f, i))
            *has |= 1U << cpu_table[i].bit;
    }
}

/* Only what f has, and what else is let through. */
static uint32_t only(const struct cpu_features *f, enum cpu_leaf leaf, enum cpu_reg reg,
                     uint32_t value, uint32_t others)
{
    uint32_t has, known;

    bits_of(f, leaf, reg, &has, &known);
    return value & (has | (others & ~known));
}

uint32_t cpu_filter_hwcap(const struct cpu_features *f, uint32_t hwcap)
{
    return only(f, L_1, EDX, hwcap, ~0U); /* the rest of that word is about the machine */
}

/* XSAVE: components, their sizes, and how they are saved. */
static void filter_xsave(const struct cpu_features *f, uint32_t subleaf, uint32_t r[4])
{
    if (!cpu_has(f, "xsave") || (subleaf > 1 && (subleaf > 63 || !(f->xsave >> subleaf & 1)))) {
        memset(r, 0, 4 * sizeof(r[0]));
        return;
    }
    if (subleaf == 0) {
        r[EAX] &= (uint32_t)f->xsave;
        r[EBX] = r[ECX] = (uint32_t)cpu_xsave_size(f->xsave);
        r[EDX] &= (uint32_t)(f->xsave >> 32);
    } else if (subleaf == 1) {
        r[EAX] = only(f, L_D_1, EAX, r[EAX], 0);
        r[EBX] = (uint32_t)cpu_xsave_size(f->xsave);
        r[ECX] = r[EDX] = 0;
    }
}

static void filter_basic(const struct cpu_features *f, uint32_t subleaf, uint32_t r[4])
{
    uint32_t others = ECX1_X2APIC | ECX1_HYPERVISOR;

    (void)subleaf;
    if (cpu_has(f, "xsave"))
        others |= ECX1_OSXSAVE;
    r[ECX] = only(f, L_1, ECX, r[ECX], others);
    r[EDX] = only(f, L_1, EDX, r[EDX], ~0U);
}

static void filter_structured(const struct cpu_features *f, uint32_t subleaf, uint32_t r[4])
{
    if (subleaf == 0) {
        r[EAX] = MIN(r[EAX], 1U);
        for (int reg = EBX; reg <= EDX; reg++)
            r[reg] = only(f, L_7, reg, r[reg], 0);
    } else if (subleaf == 1) {
        r[EAX] = only(f, L_7_1, EAX, r[EAX], 0);
        r[EBX] = r[ECX] = r[EDX] = 0;
    } else {
        memset(r, 0, 4 * sizeof(r[0]));
    }
}

static void filter_extended(const struct cpu_features *f, uint32_t subleaf, uint32_t r[4])
{
    uint32_t copies = 0x0183f3ffU; /* AMD repeats bits of leaf 1 here */

    (void)subleaf;
    r[ECX] = only(f, L_X1, ECX, r[ECX], 0);
    r[EDX] = only(f, L_X1, EDX, r[EDX], copies | EDX_NX | EDX_PAGE1GB);
}

static void filter_sizes(const struct cpu_features *f, uint32_t subleaf, uint32_t r[4])
{
    (void)subleaf;
    r[EBX] = only(f, L_X8, EBX, r[EBX], 0);
}

void cpu_filter_cpuid(const struct cpu_features *f, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    static const struct {
        uint32_t leaf;
        void (*filter)(const struct cpu_features *f, uint32_t subleaf, uint32_t r[4]);
    } leaves[] = {
        /* Vendor, caches, topology, frequencies, names, the hypervisor: what they are. */
        {0, NULL},
        {2, NULL},
        {4, NULL},
        {0xb, NULL},
        {0x15, NULL},
        {0x16, NULL},
        {0x1f, NULL},
        {0x40000000, NULL},
        {0x80000000, NULL},
        {0x80000002, NULL},
        {0x80000003, NULL},
        {0x80000004, NULL},
        {0x80000005, NULL},
        {0x80000006, NULL},
        {0x80000007, NULL},
        {0x8000001d, NULL},
        {0x8000001e, NULL},
        {1, filter_basic},
        {7, filter_structured},
        {0xd, filter_xsave},
        {0x80000001, filter_extended},
        {0x80000008, filter_sizes},
    };

    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        if (leaves[i].leaf != leaf)
            continue;
        if (leaves[i].filter)
            leaves[i].filter(f, subleaf, r);
        return;
    }
    memset(r, 0, 4 * sizeof(r[0]));
}

void cpu_guest_cpuid(const struct cpu_features *f, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    __cpuid_count(leaf, subleaf, r[EAX], r[EBX], r[ECX], r[EDX]);
    cpu_filter_cpuid(f, leaf, subleaf, r);
}

bool cpu_can_hide(void)
{
    return !syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1UL); /* as it is; ENODEV: no */
}
