/* mmap(2): offset selects the part of the file; the rest of the last page is zero. */
#include "../process/child.h"

int main(void)
{
    char *data = malloc(3 * 4096);

    for (int i = 0; i < 3 * 4096; i++)
        data[i] = i / 4096 + 'a';
    enter_scratch();
    put_file("f", data, 2 * 4096 + 100, 0600);
    int fd = open("f", O_RDWR);
    char *p = mmap(NULL, 2 * 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
    is_eq(p[0], 'b');
    is_eq(p[4096], 'c');
    is_eq(p[4096 + 99], 'c');
    is_eq(p[4096 + 100], 0);
    is_eq(p[2 * 4096 - 1], 0);
    char *q = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 2 * 4096);
    is_eq(q[99], 'c');
    done();
}
