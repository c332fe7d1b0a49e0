/* See hwcap.h. */
#include "base/hwcap.h"

#include <elf.h>

static uint64_t hwcap;

void hwcap_find(char **argv)
{
    char **p = argv;

    for (int ends = 0; ends < 2; p++)
        ends += !*p;
    for (const Elf64_auxv_t *a = (const Elf64_auxv_t *)p; a->a_type != AT_NULL; a++)
        if (a->a_type == AT_HWCAP)
            hwcap = a->a_un.a_val;
}

uint64_t hwcap_get(void)
{
    return hwcap;
}
