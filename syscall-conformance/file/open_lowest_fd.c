/* open(2): the file descriptor returned is the lowest-numbered one not currently open. */
#include "tmp.h"

int main(void)
{
    int a, b, c;

    tmp_enter();
    touch("f");
    a = open("f", O_RDONLY);
    b = open("f", O_RDONLY);
    c = open("f", O_RDONLY);
    is_eq(b - a, 1);
    is_eq(c - b, 1);
    close(b);
    close(a);
    is_eq(open("f", O_RDONLY) - a, 0);
    is_eq(dup(c) - b, 0);
    is_eq(open("f", O_RDONLY) - (c + 1), 0);
    done();
}
