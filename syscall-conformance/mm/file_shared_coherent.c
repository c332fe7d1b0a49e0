/* mmap(2) MAP_SHARED: the mapping and read/write see the same bytes at once. */
#include "../process/child.h"

int main(void)
{
    char buf[8] = "";

    enter_scratch();
    put_file("f", "0123456789", 10, 0600);
    int fd = open("f", O_RDWR), other = open("f", O_RDWR);
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
    close(fd);
    ok(!memcmp(p, "0123456789", 10), "file contents");
    p[3] = 'X';
    ok(pread(other, buf, 4, 2) == 4 && !memcmp(buf, "2X45", 4), "a store is read back");
    is_eq(q[3], 'X');
    ok(pwrite(other, "WW", 2, 5) == 2 && p[5] == 'W' && p[6] == 'W', "a write is seen");
    p[10] = 'z';
    struct stat st;
    ok(fstat(other, &st) == 0 && st.st_size == 10, "stores do not grow the file");
    is_eq(munmap(p, 4096), 0);
    is_eq(q[3], 'X');
    done();
}
