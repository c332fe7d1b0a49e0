/* See elf.h; elf(5). */
#include "sentry/mm/elf.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

int elf_check_header(const void *bytes, uint64_t len, Elf64_Ehdr *eh)
{
    if (len < sizeof(*eh))
        return -ENOEXEC;
    memcpy(eh, bytes, sizeof(*eh));
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
        return -ENOEXEC;
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return -ENOEXEC;
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum || eh->e_phnum > ELF_PHDRS_MAX)
        return -ENOEXEC;
    return (int)(eh->e_phnum * sizeof(Elf64_Phdr));
}

static int check_load(const Elf64_Phdr *ph, uint64_t task_size)
{
    uint64_t end;

    if (ph->p_filesz > ph->p_memsz)
        return -EINVAL;
    if (__builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) || end > task_size)
        return -ENOMEM;
    if (PAGE_OFF(ph->p_vaddr) != PAGE_OFF(ph->p_offset))
        return -EINVAL;
    if (__builtin_add_overflow(ph->p_offset, ph->p_filesz, &end) || (int64_t)end < 0)
        return -EINVAL;
    return 0;
}

int elf_parse(struct elf_image *img, uint64_t task_size)
{
    bool any = false;

    img->nph = img->eh.e_phnum;
    img->is_dyn = img->eh.e_type == ET_DYN;
    img->low = UINT64_MAX;
    img->high = img->phdr_vaddr = img->interp_len = img->interp_off = 0;
    img->exec_stack = true; /* the default without PT_GNU_STACK */
    for (int i = 0; i < img->nph; i++) {
        const Elf64_Phdr *ph = &img->ph[i];
        if (ph->p_type == PT_INTERP && !img->interp_len) {
            if (ph->p_filesz < 2 || ph->p_filesz > 4096)
                return -ENOEXEC;
            img->interp_off = ph->p_offset;
            img->interp_len = ph->p_filesz;
        } else if (ph->p_type == PT_GNU_STACK) {
            img->exec_stack = ph->p_flags & PF_X;
        } else if (ph->p_type == PT_LOAD) {
            int err = check_load(ph, task_size);
            if (err)
                return err;
            if (!ph->p_memsz)
                continue;
            any = true;
            img->low = MIN(img->low, PAGE_DOWN(ph->p_vaddr));
            img->high = MAX(img->high, PAGE_UP(ph->p_vaddr + ph->p_memsz));
            if (img->eh.e_phoff >= ph->p_offset && img->eh.e_phoff < ph->p_offset + ph->p_filesz)
                img->phdr_vaddr = img->eh.e_phoff - ph->p_offset + ph->p_vaddr;
        }
    }
    return any ? 0 : -ENOEXEC;
}
