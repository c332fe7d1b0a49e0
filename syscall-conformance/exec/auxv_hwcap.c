/* AT_HWCAP is the first word of CPUID's features (arch/x86/include/asm/elf.h): it has FPU and SSE2.
 */
#include "exec.h"

#include <elf.h>
#include <stdint.h>

int main(void)
{
    Elf64_auxv_t v[64];
    uint64_t hwcap = 0;

    int fd = open("/proc/self/auxv", O_RDONLY); /* getauxval() of glibc has a value of its own */
    ssize_t n = read(fd, v, sizeof(v));
    for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(v[0]); i++)
        if (v[i].a_type == AT_HWCAP)
            hwcap = v[i].a_un.a_val;
    ok(hwcap & 1, "the FPU");
    ok(hwcap >> 26 & 1, "SSE2");
    done();
}
