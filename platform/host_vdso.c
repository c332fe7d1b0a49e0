/* See host_vdso.h. */
#include "platform/host_vdso.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/cleanup.h"
#include "base/macros.h"

struct vdso_piece host_vdso_pieces[HOST_VDSO_PIECES];
static int npieces;

int host_vdso_find(void)
{
    uint64_t base = getauxval(AT_SYSINFO_EHDR);
    char line[512];

    if (npieces || !base)
        return npieces;
    cleanup_file_stream FILE *f = fopen("/proc/self/maps", "re");
    while (f && npieces < HOST_VDSO_PIECES && fgets(line, sizeof(line), f)) {
        uint64_t start, end;
        if (!strstr(line, "[v") || strstr(line, "[vsyscall]") ||
            sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2)
            continue;
        host_vdso_pieces[npieces++] = (struct vdso_piece){(int64_t)(start - base), end - start};
    }
    return npieces;
}

uint64_t host_vdso_base(uint64_t at)
{
    int64_t lowest = 0;

    for (int i = 0; i < npieces; i++)
        lowest = MIN(lowest, host_vdso_pieces[i].delta);
    return npieces ? at - (uint64_t)lowest : 0;
}

uint64_t host_vdso_symbol(const char *name, uint64_t at)
{
    uint64_t base = getauxval(AT_SYSINFO_EHDR), moved = host_vdso_base(at);
    const Elf64_Ehdr *eh = (const void *)base;
    const Elf64_Dyn *dyn = NULL;
    const Elf64_Sym *syms = NULL;
    const char *names = NULL;
    const uint32_t *hash = NULL;

    if (!moved)
        return 0;
    const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
    for (int i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_DYNAMIC)
            dyn = (const void *)(base + ph[i].p_offset);
    for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
        if (dyn->d_tag == DT_SYMTAB)
            syms = (const void *)(base + dyn->d_un.d_ptr);
        else if (dyn->d_tag == DT_STRTAB)
            names = (const void *)(base + dyn->d_un.d_ptr);
        else if (dyn->d_tag == DT_HASH)
            hash = (const void *)(base + dyn->d_un.d_ptr);
    }
    for (uint32_t i = 0; syms && names && hash && i < hash[1]; i++)
        if (!strcmp(names + syms[i].st_name, name) && syms[i].st_value)
            return moved + syms[i].st_value;
    return 0;
}
