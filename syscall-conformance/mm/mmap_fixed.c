/* mmap(2) MAP_FIXED: replaces what was there; MAP_FIXED_NOREPLACE gives EEXIST instead. */
#include "../process/child.h"

int main(void)
{
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
    char *p = mmap(NULL, 3 * 4096, rw, anon, -1, 0);

    memset(p, 'a', 3 * 4096);
    ok(mmap(p + 4096, 4096, rw, anon | MAP_FIXED, -1, 0) == p + 4096, "replaced in place");
    ok(p[4095] == 'a' && p[4096] == 0 && p[8191] == 0 && p[8192] == 'a', "only that page is new");
    is_errno(syscall(SYS_mmap, p, 4096, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    is_errno(syscall(SYS_mmap, p - 4096 + 8192, 8192, rw, anon | MAP_FIXED_NOREPLACE, -1, 0),
             EEXIST);
    munmap(p + 4096, 4096);
    ok(mmap(p + 4096, 4096, rw, anon | MAP_FIXED_NOREPLACE, -1, 0) == p + 4096, "free: taken");
    char *q = mmap(p, 4096, rw, anon, -1, 0);
    ok(q != MAP_FAILED && q != p, "an occupied hint is passed over");
    ok(p[0] == 'a', "nothing was replaced");
    done();
}
