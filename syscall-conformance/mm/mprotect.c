/* mprotect(2): takes effect by page; ENOMEM for unmapped pages, EINVAL for alignment or
 * protections. */
#include "../process/child.h"

static char *p;

static void write_middle(void)
{
    p[4096] = 1;
}

static void write_edges(void)
{
    p[0] = p[2 * 4096] = 1;
}

int main(void)
{
    signal(SIGSEGV, SIG_DFL);
    enter_scratch();
    p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    is_eq(mprotect(p + 4096, 4096, PROT_READ), 0);
    ok(killed_by(in_child(write_middle), SIGSEGV), "the middle page is read-only");
    is_eq(in_child(write_edges), 0);
    is_eq(mprotect(p, 3 * 4096, PROT_READ | PROT_WRITE), 0);
    is_eq(in_child(write_middle), 0);
    is_errno(mprotect(p + 1, 4096, PROT_READ), EINVAL);
    is_eq(mprotect(p, 0, PROT_READ), 0);
    is_errno(mprotect(p, 4096, 0x70), EINVAL);
    is_errno(mprotect(p, 4096, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
    munmap(p + 2 * 4096, 4096);
    is_errno(mprotect(p, 4 * 4096, PROT_NONE), ENOMEM);
    ok(killed_by(in_child(write_edges), SIGSEGV), "pages before the hole were changed");
    done();
}
