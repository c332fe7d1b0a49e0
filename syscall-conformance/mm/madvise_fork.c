/* madvise(2): MADV_DONTFORK leaves a range out of children, MADV_WIPEONFORK gives them zeros. */
#include "../process/child.h"

static char *gone, *wiped;

static void child(void)
{
    unsigned char vec;

    check(mincore(gone, 4096, &vec) == -1 && errno == ENOMEM, 1);
    check(wiped[0] == 0, 2);
}

int main(void)
{
    gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wiped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gone[0] = wiped[0] = 1;
    is_eq(madvise(gone, 4096, MADV_DONTFORK), 0);
    is_eq(madvise(wiped, 4096, MADV_WIPEONFORK), 0);
    is_eq(in_child(child), 0);
    ok(gone[0] == 1 && wiped[0] == 1, "the parent's memory is unchanged");
    is_eq(madvise(gone, 4096, MADV_DOFORK), 0);
    is_errno(madvise(shared_page(), 4096, MADV_WIPEONFORK), EINVAL);
    done();
}
