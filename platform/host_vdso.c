/* See host_vdso.h. */
#include "platform/host_vdso.h"

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
