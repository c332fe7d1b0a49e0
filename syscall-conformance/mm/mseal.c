/* mseal(2): sealed memory cannot be unmapped, moved, protected otherwise or mapped over. */
#include "../process/child.h"

#define PAGE 4096UL
#define NR_mseal 462

int main(void)
{
    char *p = mmap(NULL, 6 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (syscall(NR_mseal, p + 2 * PAGE, 2 * PAGE, 0) && errno == ENOSYS) {
        skip("no mseal(2) here");
        done();
    }
    is_eq(syscall(NR_mseal, p + 2 * PAGE, 2 * PAGE, 0), 0);
    is_errno(munmap(p + 2 * PAGE, PAGE), EPERM);
    is_errno(munmap(p, 6 * PAGE), EPERM);
    is_errno(mprotect(p + 2 * PAGE, PAGE, PROT_NONE), EPERM);
    is_errno(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EPERM);
    is_errno(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PAGE), EPERM);
    ok(mmap(p + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
               MAP_FAILED &&
           errno == EPERM,
       "mmap over it fails with EPERM");
    is_errno(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED), EPERM);
    is_eq(madvise(p + 2 * PAGE, PAGE, MADV_WILLNEED), 0);
    is_eq(p[2 * PAGE], 0);
    is_eq(mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
    is_eq(munmap(p + 4 * PAGE, 2 * PAGE), 0);
    is_errno(syscall(NR_mseal, p + 1, PAGE, 0), EINVAL);
    is_errno(syscall(NR_mseal, p, PAGE, 1), EINVAL);
    is_errno(syscall(NR_mseal, p + 3 * PAGE, 3 * PAGE, 0), ENOMEM);
    is_errno(syscall(NR_mseal, p, -PAGE, 0), EINVAL);
    is_eq(syscall(NR_mseal, p, 0, 0), 0);
    is_eq(syscall(NR_mseal, p + 2 * PAGE, 2 * PAGE, 0), 0);
    done();
}
