/* The ELF header parser: pure functions over bytes of a hostile file. */
#ifndef NV_SENTRY_MM_ELF_H
#define NV_SENTRY_MM_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#define ELF_PHDRS_MAX 128
#define ELF_HEAD_MAX 4096

struct elf_image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[ELF_PHDRS_MAX];
    int nph;
    uint64_t low, high;  /* page-aligned span of the PT_LOADs */
    uint64_t phdr_vaddr; /* where the program headers land, 0: nowhere */
    uint64_t interp_off, interp_len;
    bool exec_stack, is_dyn;
};

/* Checks eh alone: -ENOEXEC, or how many bytes of program headers to read at eh.e_phoff. */
int elf_check_header(const void *bytes, uint64_t len, Elf64_Ehdr *eh);
/* eh was checked, ph holds eh.e_phnum headers. -ENOEXEC, -ENOMEM for impossible addresses. */
int elf_parse(struct elf_image *img, uint64_t task_size);

#endif
