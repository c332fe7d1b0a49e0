/* shmat(2): SHM_RDONLY memory cannot be written, nor made writable; SHM_EXEC makes it executable.
 */
#include "sysv.h"
#include <sys/mman.h>

static char *mem;

static int write_it(void)
{
    *mem = 1;
    return 0;
}

int main(void)
{
    int id = new_shm(4096, 0700);

    mem = shmat(id, NULL, SHM_RDONLY);
    ok(mem != (void *)-1 && !*mem, "it can be read");
    is_eq(in_child(write_it), 128 + SIGSEGV);
    is_errno(mprotect(mem, 4096, PROT_READ | PROT_WRITE), EACCES);
    char *code = shmat(id, NULL, SHM_EXEC);
    ok(code != (void *)-1, "attached for execution");
    static const unsigned char mov_42_ret[] = {0xb8, 0x2a, 0x00, 0x00, 0x00, 0xc3};
    memcpy(code, mov_42_ret, sizeof(mov_42_ret));
    is_eq(((int (*)(void))(uintptr_t)code)(), 42);
    done();
}
