/* getauxval(3): AT_PAGESZ, AT_PHDR, AT_ENTRY, AT_RANDOM, AT_SECURE, AT_UID... describe the image.
 */
#include "exec.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

int main(void)
{
    unsigned char zero[16] = {0};

    is_eq(getauxval(AT_PAGESZ), 4096);
    is_eq(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    ok(getauxval(AT_PHNUM) > 1, "AT_PHNUM");
    const Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
    bool load = false;
    for (unsigned long i = 0; ph && i < getauxval(AT_PHNUM); i++)
        load |= ph[i].p_type == PT_LOAD;
    ok(load, "AT_PHDR points at program headers");
    ok(getauxval(AT_ENTRY) != 0, "AT_ENTRY");
    ok(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid(), "user IDs");
    ok(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid(), "group IDs");
    is_eq(getauxval(AT_SECURE), 0);
    ok(getauxval(AT_RANDOM) && memcmp((void *)getauxval(AT_RANDOM), zero, 16), "AT_RANDOM");
    is_eq(getauxval(AT_CLKTCK), 100);
    ok(getauxval(AT_HWCAP) != 0, "AT_HWCAP");
    ok(getauxval(AT_PLATFORM) && !strcmp((char *)getauxval(AT_PLATFORM), "x86_64"), "platform");
    unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
    ok(vdso && !memcmp((void *)vdso, "\177ELF", 4), "the vDSO is an ELF image");
    is_eq(getauxval(AT_BASE), 0);
    done();
}
