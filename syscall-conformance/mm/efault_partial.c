/* read(2), write(2): a buffer that becomes invalid midway transfers the good part, or EFAULT if
 * none. */
#include "../process/child.h"

int main(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char data[4096];

    munmap(p + 4096, 4096);
    memset(data, 'd', sizeof(data));
    enter_scratch();
    put_file("f", data, sizeof(data), 0600);
    int fd = open("f", O_RDWR);
    is_eq(read(fd, p + 4096 - 100, 200), 100);
    is_eq(p[4095], 'd');
    is_errno(read(fd, p + 4096, 10), EFAULT);
    is_eq(pwrite(fd, p + 4096 - 10, 20, 0), 10);
    is_errno(pwrite(fd, p + 4096, 20, 0), EFAULT);
    is_eq(lseek(fd, 0, SEEK_CUR), 100);
    done();
}
