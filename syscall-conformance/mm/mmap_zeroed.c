/* mmap(2): anonymous memory is zero, also where memory was unmapped before. */
#include "../process/child.h"

static bool is_zero(const char *p, size_t len)
{
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

int main(void)
{
    size_t len = 1 << 20;
    int anon = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
    char *p = mmap(NULL, len, rw, anon, -1, 0);

    ok(is_zero(p, len), "fresh");
    memset(p, 1, len);
    is_eq(munmap(p, len), 0);
    ok(mmap(p, len, rw, anon | MAP_FIXED_NOREPLACE, -1, 0) == p, "mapped again");
    ok(is_zero(p, len), "zero again");
    p = mmap(NULL, len, rw, anon | MAP_POPULATE | MAP_NORESERVE, -1, 0);
    ok(is_zero(p, len), "populated");
    done();
}
