/* A path that ends at the last byte of mapped memory is read without touching the next page. */
#include "../process/child.h"

int main(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct stat st;

    munmap(p + 4096, 4096);
    strcpy(p + 4096 - 11, "/proc/self");
    is_eq(stat(p + 4096 - 11, &st), 0);
    p[4095] = '/';
    is_errno(syscall(SYS_stat, p + 4096 - 11, &st), EFAULT);
    memset(p, '/', 4096);
    is_errno(syscall(SYS_stat, p, &st), ENAMETOOLONG);
    is_errno(syscall(SYS_stat, p + 1, &st), EFAULT);
    done();
}
