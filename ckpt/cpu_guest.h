/*
 * What a guest may find out about the CPU when it was given a level (--cpu): the features of that
 * level and no other, wherever the sandbox answers. What a program asks the CPU itself (CPUID) is
 * only ours to answer where the host can make that instruction fault.
 */
#ifndef NV_CKPT_CPU_GUEST_H
#define NV_CKPT_CPU_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_WORDS 2
#define CPU_LEVEL_MAX 16

struct cpu_features {
    uint64_t bits[CPU_WORDS]; /* by row of the table in cpu.c */
    uint64_t xsave;           /* components of XCR0 */
};

/* By the name of /proc/cpuinfo. */
bool cpu_has(const struct cpu_features *f, const char *name);
/* Words of a line of flags: those that are no instructions of f, nor about the machine, go. */
void cpu_filter_flags(const struct cpu_features *f, char *flags);
/* AT_HWCAP: the first word of CPUID. */
uint32_t cpu_filter_hwcap(const struct cpu_features *f, uint32_t hwcap);
/* What CPUID says, in r: eax, ebx, ecx, edx; filtered in place. */
void cpu_filter_cpuid(const struct cpu_features *f, uint32_t leaf, uint32_t subleaf, uint32_t r[4]);
/* The same of this host. */
void cpu_guest_cpuid(const struct cpu_features *f, uint32_t leaf, uint32_t subleaf, uint32_t r[4]);
/* Can this host make CPUID fault in processes that ask for it? */
bool cpu_can_hide(void);

#endif
