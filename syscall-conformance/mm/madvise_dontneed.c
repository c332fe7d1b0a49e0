/* madvise(2) MADV_DONTNEED: private anonymous pages read as zero again, file pages as the file. */
#include "../process/child.h"

int main(void)
{
    int rw = PROT_READ | PROT_WRITE;
    char *p = mmap(NULL, 3 * 4096, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *s = shared_page();

    enter_scratch();
    put_file("f", "file", 4, 0600);
    int fd = open("f", O_RDWR);
    char *f = mmap(NULL, 4096, rw, MAP_PRIVATE, fd, 0);
    memset(p, 1, 3 * 4096);
    is_eq(madvise(p + 4096, 4096, MADV_DONTNEED), 0);
    ok(p[4095] == 1 && p[4096] == 0 && p[8191] == 0 && p[8192] == 1, "anonymous: zero");
    f[0] = 'X';
    is_eq(madvise(f, 4096, MADV_DONTNEED), 0);
    is_eq(f[0], 'f');
    s[0] = 'S';
    is_eq(madvise(s, 4096, MADV_DONTNEED), 0);
    is_eq(s[0], 'S');
    done();
}
