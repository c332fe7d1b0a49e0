/* execve(2): ENOEXEC for a file in no known format, an empty one, or another architecture's ELF. */
#include "exec.h"
#include <elf.h>

int main(void)
{
    Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                     .e_type = ET_EXEC,
                     .e_machine = EM_AARCH64,
                     .e_phentsize = sizeof(Elf64_Phdr),
                     .e_phnum = 1};

    enter_scratch();
    put_file("empty", "", 0, 0755);
    put_file("text", "echo hello\n", 11, 0755);
    put_file("arm", &eh, sizeof(eh), 0755);
    eh.e_machine = EM_X86_64;
    eh.e_type = ET_REL;
    put_file("rel", &eh, sizeof(eh), 0755);
    eh.e_type = ET_EXEC;
    eh.e_phentsize = 3;
    put_file("phent", &eh, sizeof(eh), 0755);
    eh.e_phentsize = sizeof(Elf64_Phdr);
    eh.e_phnum = 0;
    put_file("phnum", &eh, sizeof(eh), 0755);
    is_eq(exec_errno("empty"), ENOEXEC);
    is_eq(exec_errno("text"), ENOEXEC);
    is_eq(exec_errno("arm"), ENOEXEC);
    is_eq(exec_errno("rel"), ENOEXEC);
    is_eq(exec_errno("phent"), ENOEXEC);
    is_eq(exec_errno("phnum"), ENOEXEC);
    done();
}
