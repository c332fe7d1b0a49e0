/* execve(2): an ELF file cut short within its headers is refused, the caller goes on. */
#include "exec.h"

int main(void)
{
    static const int sizes[] = {1, 4, 16, 52, 63};
    char name[32];

    enter_scratch();
    copy_self("prog", 0755);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        snprintf(name, sizeof(name), "cut%d", sizes[i]);
        copy_self(name, 0755);
        ok(truncate(name, sizes[i]) == 0, "cut to %d", sizes[i]);
        is_eq(exec_errno(name), ENOEXEC);
    }
    copy_self("headers", 0755);
    ok(truncate("headers", 64) == 0, "cut behind the ELF header");
    int err = exec_errno("headers");
    ok(err == EIO || err == ENOEXEC, "program headers missing");
    done();
}
