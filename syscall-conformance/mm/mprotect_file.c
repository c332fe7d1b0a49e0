/* mprotect(2): EACCES to make a shared mapping of a file opened read-only writable. */
#include "../process/child.h"

int main(void)
{
    enter_scratch();
    put_file("f", "data", 4, 0600);
    int ro = open("f", O_RDONLY), rw = open("f", O_RDWR);
    char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
    is_errno(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
    is_eq(mprotect(p, 4096, PROT_NONE), 0);
    p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, ro, 0);
    is_eq(mprotect(p, 4096, PROT_READ | PROT_WRITE), 0);
    p[0] = 'X';
    p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, rw, 0);
    is_eq(mprotect(p, 4096, PROT_READ | PROT_WRITE), 0);
    is_eq(p[0], 'd');
    done();
}
