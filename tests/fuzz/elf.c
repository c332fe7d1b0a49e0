/* ELF headers: what the parser accepts must be safe to load. */
#include "sentry/mm/elf.h"

#include "tests/fuzz/fuzz.h"

#define TASK_SIZE 0x7fff00000000UL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_image img;
    size_t head = size < ELF_HEAD_MAX ? size : ELF_HEAD_MAX;
    uint8_t *copy = malloc(head ? head : 1); /* exactly as long as it is */

    memcpy(copy, data, head);
    memset(&img, 0, sizeof(img));
    int n = elf_check_header(copy, head, &img.eh);
    free(copy);
    if (n <= 0)
        return 0;
    REQUIRE((size_t)n <= sizeof(img.ph));
    struct input in = {data, size};
    if (size > sizeof(Elf64_Ehdr)) {
        in.p += sizeof(Elf64_Ehdr);
        in.left -= sizeof(Elf64_Ehdr);
    } else {
        in.left = 0;
    }
    take(&in, img.ph, (size_t)n);
    if (elf_parse(&img, TASK_SIZE))
        return 0;
    REQUIRE(img.low < img.high && img.high <= TASK_SIZE);
    REQUIRE(img.interp_len <= 4096);
    for (int i = 0; i < img.nph; i++) {
        const Elf64_Phdr *ph = &img.ph[i];
        if (ph->p_type != PT_LOAD || !ph->p_memsz)
            continue;
        REQUIRE(ph->p_filesz <= ph->p_memsz && ph->p_vaddr >= img.low);
        REQUIRE(ph->p_vaddr + ph->p_memsz <= img.high);
        REQUIRE((int64_t)(ph->p_offset + ph->p_filesz) >= 0);
    }
    return 0;
}
