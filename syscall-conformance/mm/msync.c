/* msync(2): EINVAL for bad flags, both kinds, or alignment; ENOMEM for unmapped pages. */
#include "../process/child.h"

int main(void)
{
    enter_scratch();
    put_file("f", "abc", 3, 0600);
    int fd = open("f", O_RDWR);
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[0] = 'X';
    is_eq(msync(p, 4096, MS_SYNC), 0);
    is_eq(msync(p, 4096, MS_ASYNC), 0);
    is_eq(msync(p, 4096, MS_INVALIDATE), 0);
    is_eq(msync(p, 0, MS_SYNC), 0);
    is_errno(msync(p, 4096, MS_SYNC | MS_ASYNC), EINVAL);
    is_errno(msync(p, 4096, 0x100), EINVAL);
    is_errno(msync(p + 1, 4096, MS_SYNC), EINVAL);
    munmap(p + 4096, 4096);
    is_errno(msync(p, 3 * 4096, MS_SYNC), ENOMEM);
    done();
}
