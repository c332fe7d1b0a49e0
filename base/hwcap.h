/*
 * AT_HWCAP as the kernel gave it to this process: the first word of CPUID. getauxval(3) of glibc
 * gives something else on x86 (HWCAP_X86_64 of its own), and asking the CPU takes long under a
 * hypervisor.
 */
#ifndef NV_BASE_HWCAP_H
#define NV_BASE_HWCAP_H

#include <stdint.h>

/* With the argv of main(), behind which the kernel has put environment and auxiliary vector. */
void hwcap_find(char **argv);
/* 0 before. */
uint64_t hwcap_get(void);

#endif
