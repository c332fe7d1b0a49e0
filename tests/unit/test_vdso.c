/*
 * The guest's vDSO: its functions are at the addresses they always had, found through both hash
 * tables, and unwind tables cover them. Programs in images hold these addresses.
 */
#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "platform/vdso/vdso.h"
#include "tests/unit/unit.h"

extern const char vdso_image[];
extern const size_t vdso_image_size;

static const struct {
    const char *name;
    uint64_t offset;
} functions[] = {
    {"__vdso_clock_gettime", 0x1000}, {"__vdso_gettimeofday", 0x1100}, {"__vdso_time", 0x1200},
    {"__vdso_getcpu", 0x1300},        {"__vdso_clock_getres", 0x1400},
};

static const void *dynamic(int64_t tag)
{
    const Elf64_Ehdr *eh = (const void *)vdso_image;
    const Elf64_Phdr *ph = (const void *)(vdso_image + eh->e_phoff);

    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_DYNAMIC)
            continue;
        const Elf64_Dyn *d = (const void *)(vdso_image + ph[i].p_offset);
        for (; d->d_tag != DT_NULL; d++)
            if (d->d_tag == tag)
                return vdso_image + d->d_un.d_ptr;
    }
    ck_abort_msg("no entry %ld in the dynamic section", (long)tag);
    return NULL;
}

static unsigned long sysv_hash(const char *s)
{
    unsigned long h = 0;

    for (; *s; s++) {
        h = (h << 4) + (unsigned char)*s;
        h = (h ^ (h >> 24 & 0xf0)) & 0xfffffff;
    }
    return h;
}

/* As a dynamic linker looks a name up. */
static const Elf64_Sym *lookup(const char *name, unsigned int *index)
{
    const uint32_t *hash = dynamic(DT_HASH);
    const Elf64_Sym *syms = dynamic(DT_SYMTAB);
    const char *names = dynamic(DT_STRTAB);

    for (*index = hash[2 + sysv_hash(name) % hash[0]]; *index; *index = hash[2 + hash[0] + *index])
        if (!strcmp(names + syms[*index].st_name, name))
            return &syms[*index];
    return NULL;
}

START_TEST(symbols)
{
    const uint16_t *versions = dynamic(DT_VERSYM);
    const char *names = dynamic(DT_STRTAB);
    const Elf64_Verdef *def = dynamic(DT_VERDEF);
    unsigned int index;

    while (!(def->vd_ndx == 2))
        def = (const void *)((const char *)def + def->vd_next);
    const Elf64_Verdaux *aux = (const void *)((const char *)def + def->vd_aux);
    ck_assert_str_eq(names + aux->vda_name, "LINUX_2.6");
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        const Elf64_Sym *s = lookup(functions[i].name, &index);
        ck_assert_msg(s != NULL, "no %s", functions[i].name);
        ck_assert_uint_eq(s->st_value, functions[i].offset);
        ck_assert_int_eq(ELF64_ST_TYPE(s->st_info), STT_FUNC);
        ck_assert_int_eq(versions[index], 2);
        s = lookup(functions[i].name + strlen("__vdso_"), &index);
        ck_assert_msg(s && s->st_value == functions[i].offset, "no %s", functions[i].name + 7);
    }
}
END_TEST

/* One mapping with everything in it, nothing to relocate, and a frame table that can be searched.
 */
START_TEST(layout)
{
    const Elf64_Ehdr *eh = (const void *)vdso_image;
    const Elf64_Phdr *ph = (const void *)(vdso_image + eh->e_phoff);
    int loads = 0, frames = 0;

    ck_assert_int_eq(eh->e_type, ET_DYN);
    ck_assert_uint_le(vdso_image_size, VDSO_IMAGE_SIZE);
    ck_assert_uint_eq(VDSO_IMAGE, 0x7fff00181000UL);
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD) {
            loads++;
            ck_assert(!ph[i].p_offset && !ph[i].p_vaddr && ph[i].p_flags == (PF_R | PF_X));
            ck_assert_uint_eq(ph[i].p_filesz, ph[i].p_memsz);
        } else if (ph[i].p_type == PT_GNU_EH_FRAME) {
            const unsigned char *hdr = (const unsigned char *)vdso_image + ph[i].p_offset;
            uint32_t count;
            memcpy(&count, hdr + 8, sizeof(count));
            ck_assert(hdr[0] == 1 && count >= ARRAY_SIZE(functions));
            frames++;
        }
    }
    ck_assert(loads == 1 && frames == 1);
}
END_TEST

UNIT_MAIN("vdso", NULL, NULL, symbols, layout)
