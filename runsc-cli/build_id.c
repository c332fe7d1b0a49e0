/* Which build of nv this is: the linker's build id. */
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "runsc-cli/cli.h"

#define NOTE_ALIGN(n) (((n) + 3) & ~3U)

static int find_note(struct dl_phdr_info *info, size_t size, void *arg)
{
    char *hex = arg;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const char *p = (const char *)info->dlpi_addr + ph->p_vaddr, *end = p + ph->p_memsz;
        if (ph->p_type != PT_NOTE)
            continue;
        while (p + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *n = (const void *)p;
            const unsigned char *desc =
                (const unsigned char *)p + sizeof(*n) + NOTE_ALIGN(n->n_namesz);
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && n->n_descsz <= BUILD_ID_MAX) {
                for (unsigned int k = 0; k < n->n_descsz; k++)
                    snprintf(hex + 2 * k, 3, "%02x", desc[k]);
                return 1;
            }
            p = (const char *)desc + NOTE_ALIGN(n->n_descsz);
        }
    }
    return 1; /* the first object is the program */
}

const char *nv_build_id(void)
{
    static char hex[2 * BUILD_ID_MAX + 1];

    if (!hex[0])
        dl_iterate_phdr(find_note, hex);
    return hex;
}
