/* write(2): when part of the buffer is inaccessible, the bytes before it are written and counted;
 * EFAULT only when nothing was. */
#include "tmp.h"
#include <sys/mman.h>

int main(void)
{
    long page = sysconf(_SC_PAGESIZE);
    char *m =
        mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd, p[2];

    tmp_enter();
    memset(m, 'm', (size_t)page);
    must(munmap(m + page, (size_t)page));
    fd = file_with("f", "");
    must(pipe(p));
    is_errno(write(fd, m + page, 10), EFAULT);
    is_errno(write(fd, BAD_PTR, 10), EFAULT);
    is_eq(write(fd, m + page - 10, 10), 10);
    is_errno(read(fd, BAD_PTR, 0) + read(p[0], BAD_PTR, 0) ? 0 : write(p[1], BAD_PTR, 10), EFAULT);
    must(lseek(fd, 0, SEEK_SET));
    is_errno(read(fd, m + page, 10), EFAULT);
    is_eq(lseek(fd, 0, SEEK_CUR), 0);
    is_eq(read(fd, m + page - 10, 10), 10);
    is_eq(read(fd, BAD_PTR, 10), 0);
    done();
}
