/* mmap(2) MAP_PRIVATE: stores are not carried to the file and not seen by others. */
#include "../process/child.h"

int main(void)
{
    char buf[4];

    enter_scratch();
    put_file("f", "abcd", 4, 0600);
    int fd = open("f", O_RDONLY);
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    p[1] = 'X';
    is_eq(q[1], 'b');
    ok(pread(fd, buf, 4, 0) == 4 && !memcmp(buf, "abcd", 4), "the file is unchanged");
    ok(p[0] == 'a' && p[1] == 'X' && p[4] == 0, "the mapping has the store");
    unlink("f");
    ok(q[0] == 'a', "the mapping outlives the name");
    done();
}
