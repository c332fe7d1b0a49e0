/* brk(2): moves the end of the heap; new memory is zero; an impossible request changes nothing. */
#include "../process/child.h"

static char *raw_brk(void *to)
{
    return (char *)syscall(SYS_brk, to);
}

int main(void)
{
    char *start = raw_brk(NULL);

    ok(raw_brk((void *)1) == start, "an address below the heap: unchanged");
    ok(raw_brk(start + 100000) == start + 100000, "grown");
    ok(start[0] == 0 && start[99999] == 0, "zero");
    memset(start, 'b', 100000);
    ok(raw_brk(start + 50000) == start + 50000, "shrunk");
    is_eq(start[49999], 'b');
    ok(raw_brk(start + 100000) == start + 100000, "grown again");
    is_eq(start[99999], 0);
    ok(raw_brk((void *)(1UL << 62)) == start + 100000, "too far: unchanged");
    ok(raw_brk(start) == start, "back to the start");
    is_errno(write(1, start + 90000, 1), EFAULT);
    done();
}
