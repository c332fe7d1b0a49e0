/* execve(2): the ELF interpreter must exist (ENOENT), be a valid ELF file (ELIBBAD), and
 * executable. */
#include "exec.h"
#include <elf.h>
#include <stddef.h>

struct image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[2];
    char interp[64];
};

static void make(const char *name, const char *interp)
{
    struct image im = {
        .eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
               .e_type = ET_DYN,
               .e_machine = EM_X86_64,
               .e_version = 1,
               .e_phoff = sizeof(Elf64_Ehdr),
               .e_ehsize = sizeof(Elf64_Ehdr),
               .e_phentsize = sizeof(Elf64_Phdr),
               .e_phnum = 2},
        .ph = {{.p_type = PT_INTERP,
                .p_flags = PF_R,
                .p_offset = offsetof(struct image, interp),
                .p_filesz = strlen(interp) + 1,
                .p_memsz = strlen(interp) + 1},
               {.p_type = PT_LOAD,
                .p_flags = PF_R | PF_X,
                .p_filesz = sizeof(im),
                .p_memsz = sizeof(im),
                .p_align = 4096}},
    };

    strcpy(im.interp, interp);
    put_file(name, &im, sizeof(im), 0755);
}

int main(void)
{
    enter_scratch();
    make("missing", "./no-such-interpreter");
    put_file("text", "just some text", 14, 0755);
    put_file("noexec", "just some text", 14, 0644);
    put_file("long", "0123456789012345678901234567890123456789012345678901234567890123456789", 70,
             0755);
    make("bad", "./noexec");
    make("short", "./text");
    make("junk", "./long");
    is_eq(exec_errno("missing"), ENOENT);
    is_eq(exec_errno("bad"), EACCES);
    is_eq(exec_errno("short"), EIO);
    ok(exited_with(run("junk", (char *[]){"x", NULL}, environ), 255), "ELIBBAD");
    done();
}
